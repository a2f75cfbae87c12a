import type { findCoordinator } from '../../protocol/api/10-find-coordinator.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Context } from '../context.ts'
import { partitionOfGroup } from '../coordinator/offsets-topic.ts'
import type { Handler, Refusal } from '../handler.ts'
import { TRANSACTION_STATE } from '../internal-topics.ts'
import type { BrokerNode } from '../metadata/view.ts'

const GROUP = 0
const TRANSACTION = 1

export const refuseFindCoordinator: Refusal<typeof findCoordinator> = (_request, { code, message }) => ({
  errorCode: code,
  errorMessage: message,
  nodeId: -1,
  host: '',
  port: -1,
})

const notServed = (): KafkaError => new KafkaError('INVALID_REQUEST', 'Transactions are not served yet; leave transactional.id out.')

/** This broker coordinates no transactions; beside brokers of Apache Kafka one of theirs may, where it leads the id's partition. */
const coordinatorOfTransactions = (transactionalId: string, { broker, peer }: Context): BrokerNode => {
  const partitions = broker.metadata.topic(TRANSACTION_STATE)?.partitions
  if (!partitions) throw notServed()
  const wanted = partitionOfGroup(transactionalId, partitions.length)
  const leader = partitions.find(({ partition }) => partition === wanted)?.leader ?? -1
  if (leader === broker.brokerId) throw notServed()
  const node = broker.metadata.brokers(peer.listener).find(({ id }) => id === leader)
  if (!node) throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
  return node
}

/** The broker that leads the group's partition of __consumer_offsets, under the address of the client's listener. */
export const handleFindCoordinator: Handler<typeof findCoordinator> = async ({ key, keyType }, context) => {
  if (keyType === TRANSACTION) {
    context.authorize('DESCRIBE', 'TRANSACTIONAL_ID', key)
    const { id, host, port } = coordinatorOfTransactions(key, context)
    return { errorCode: 0, errorMessage: 'NONE', nodeId: id, host, port }
  }
  if (keyType !== GROUP) throw new KafkaError('INVALID_REQUEST', `Unknown coordinator type ${keyType} in FindCoordinator request`)
  context.authorize('DESCRIBE', 'GROUP', key)
  const { id, host, port } = await context.broker.groups.topic.coordinatorOf(key, context.peer.listener)
  return { errorCode: 0, errorMessage: 'NONE', nodeId: id, host, port }
}
