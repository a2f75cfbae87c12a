import type { stopReplica } from '../../protocol/api/05-stop-replica.ts'
import { errorCode } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import { each, type Handler, type Refusal } from '../handler.ts'

type Stop = { topicName: string; partitionIndex: number; deletePartition: boolean; leaderEpoch: number }

/** "Unknown", and "the topic is being deleted": neither is compared. Source: LeaderAndIsr.NoEpoch, EpochDuringDelete. */
const UNCOMPARED_EPOCHS = [-1, -2]

export const refuseStopReplica: Refusal<typeof stopReplica> = (_request, { code }) => ({ errorCode: code })

const stopsOf = (request: RequestOf<typeof stopReplica>): Stop[] => {
  const old = { deletePartition: request.deletePartitions, leaderEpoch: -1 }
  return [
    ...request.topicStates.flatMap(({ topicName, partitionStates }) => partitionStates.map((state) => ({ topicName, ...state }))),
    ...request.topics.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map((partitionIndex) => ({ topicName: name, partitionIndex, ...old })),
    ),
    ...request.ungroupedPartitions.map((partition) => ({ ...partition, ...old })),
  ]
}

/** Ends replicas, and deletes them when asked to. One that this broker does not have is ended already. */
export const handleStopReplica: Handler<typeof stopReplica> = async (request, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  const { control, configs } = context.broker.admin
  control.admit(request)
  const partitionErrors = await each(
    stopsOf(request),
    async ({ topicName, partitionIndex, deletePartition, leaderEpoch }) => {
      const known = control.replicas.get(topicName, partitionIndex)?.leaderEpoch ?? -1
      const isOvertaken = !UNCOMPARED_EPOCHS.includes(leaderEpoch) && leaderEpoch < known
      if (isOvertaken) return { topicName, partitionIndex, errorCode: errorCode('FENCED_LEADER_EPOCH') }
      await control.replicas.stop(topicName, partitionIndex, deletePartition)
      if (deletePartition) configs.forgetTopic(topicName)
      return { topicName, partitionIndex, errorCode: 0 }
    },
    ({ topicName, partitionIndex }, code) => ({ topicName, partitionIndex, errorCode: code }),
  )
  return { partitionErrors }
}
