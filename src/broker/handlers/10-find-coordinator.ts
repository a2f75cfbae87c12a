import type { findCoordinator } from '../../protocol/api/10-find-coordinator.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Handler, Refusal } from '../handler.ts'

const GROUP = 0
const TRANSACTION = 1

export const refuseFindCoordinator: Refusal<typeof findCoordinator> = (_request, { code, message }) => ({
  errorCode: code,
  errorMessage: message,
  nodeId: -1,
  host: '',
  port: -1,
})

/** The broker that leads the group's partition of __consumer_offsets, under the address of the client's listener. */
export const handleFindCoordinator: Handler<typeof findCoordinator> = async ({ key, keyType }, context) => {
  if (keyType === TRANSACTION) {
    context.authorize('DESCRIBE', 'TRANSACTIONAL_ID', key)
    throw new KafkaError('INVALID_REQUEST', 'Transactions are not served yet; leave transactional.id out.')
  }
  if (keyType !== GROUP) throw new KafkaError('INVALID_REQUEST', `Unknown coordinator type ${keyType} in FindCoordinator request`)
  context.authorize('DESCRIBE', 'GROUP', key)
  const { id, host, port } = await context.broker.groups.topic.coordinatorOf(key, context.peer.listener)
  return { errorCode: 0, errorMessage: 'NONE', nodeId: id, host, port }
}
