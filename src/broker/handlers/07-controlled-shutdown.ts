import type { controlledShutdown } from '../../protocol/api/07-controlled-shutdown.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { toBigInt } from '../../protocol/int64.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'

export const refuseControlledShutdown: Refusal<typeof controlledShutdown> = (_request, { code }) => ({ errorCode: code })

/** Answers when the new leaders stand in ZooKeeper; the brokers, the one that asks among them, hear of them at the same time. */
export const handleControlledShutdown: Handler<typeof controlledShutdown> = async ({ brokerId, brokerEpoch }, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  const term = context.broker.admin.controller()
  if (!term) throw new KafkaError('NOT_CONTROLLER')
  const remaining = await term.controlledShutdown(brokerId, toBigInt(brokerEpoch))
  return { remainingPartitions: remaining.map(({ topic, partition }) => ({ topicName: topic, partitionIndex: partition })) }
}
