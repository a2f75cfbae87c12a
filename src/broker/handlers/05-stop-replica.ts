import type { stopReplica } from '../../protocol/api/05-stop-replica.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import { each, type Handler, type Refusal } from '../handler.ts'

type Stop = { topicName: string; partitionIndex: number; deletePartition: boolean; leaderEpoch: number }

/** The topic is being deleted. Source: LeaderAndIsr.EpochDuringDelete. */
const EPOCH_DURING_DELETE = -2
/** That, and "unknown": neither is compared. Source: LeaderAndIsr.NoEpoch. */
const UNCOMPARED_EPOCHS = [-1, EPOCH_DURING_DELETE]

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

/** Ends replicas, and deletes them when asked to. One that this broker does not have is ended already; a log that is left of it goes all the same. */
export const handleStopReplica: Handler<typeof stopReplica> = (request, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  const { control, configs } = context.broker.admin
  const { replicas } = control
  const stopOne = async ({ topicName, partitionIndex, deletePartition, leaderEpoch }: Stop) => {
    const known = replicas.get(topicName, partitionIndex)
    if (known?.isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR')
    const isOvertaken = known !== undefined && !UNCOMPARED_EPOCHS.includes(leaderEpoch) && leaderEpoch <= known.leaderEpoch
    if (isOvertaken) throw new KafkaError('FENCED_LEADER_EPOCH')
    await replicas.stop(topicName, partitionIndex, deletePartition)
    // One replica that moved away says nothing of the topic's others here.
    if (deletePartition && leaderEpoch === EPOCH_DURING_DELETE) configs.forgetTopic(topicName)
    return { topicName, partitionIndex, errorCode: 0 }
  }
  return replicas.changes.take(async () => {
    control.admit(request)
    const refused = ({ topicName, partitionIndex }: Stop, errorCode: number) => ({ topicName, partitionIndex, errorCode })
    return { partitionErrors: await each(stopsOf(request), stopOne, refused) }
  })
}
