import type { leaderAndIsr } from '../../protocol/api/04-leader-and-isr.ts'
import { codeOf, KafkaError } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Context } from '../context.ts'
import type { Handler, Refusal } from '../handler.ts'
import { readTopicConfigs } from './topic-configs.ts'

type Request = RequestOf<typeof leaderAndIsr>
/** `topicName` from the group, since version 2. */
type WirePartition = Request['ungroupedPartitionStates'][number]

export const refuseLeaderAndIsr: Refusal<typeof leaderAndIsr> = (_request, { code }) => ({ errorCode: code })

/** An epoch that is not newer was overtaken by a later request. */
const become = async (state: WirePartition, { broker }: Context): Promise<void> => {
  const { replicas } = broker.admin.control
  const { topicName, partitionIndex, leaderEpoch, isNew } = state
  // Before the epochs: a controller that heard of a failed directory asks with those that hold.
  if (replicas.get(topicName, partitionIndex)?.isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR')
  if (!replicas.isNewer(topicName, partitionIndex, leaderEpoch)) throw new KafkaError('STALE_CONTROLLER_EPOCH')
  if (!state.replicas.includes(broker.brokerId)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  const leadership = {
    leader: state.leader,
    leaderEpoch,
    isr: state.isr,
    replicas: state.replicas,
    addingReplicas: state.addingReplicas,
    removingReplicas: state.removingReplicas,
    controllerEpoch: state.controllerEpoch,
    zkVersion: state.zkVersion,
  }
  if (state.leader === broker.brokerId) await replicas.lead(topicName, partitionIndex, leadership, isNew)
  else await replicas.follow(topicName, partitionIndex, leadership, isNew)
}

const answer = async (state: WirePartition, context: Context) => {
  const { topicName, partitionIndex } = state
  try {
    await become(state, context)
    return { topicName, partitionIndex, errorCode: 0 }
  } catch (err) {
    const at = { topic: topicName, partition: partitionIndex, leaderEpoch: state.leaderEpoch }
    if (err instanceof KafkaError) context.broker.logger.warn({ ...at, error: err.error }, 'a leader or follower was refused')
    else context.broker.logger.error({ ...at, err }, 'a replica could not be made')
    return { topicName, partitionIndex, errorCode: codeOf(err) }
  }
}

/** The controller names leaders and followers; each partition succeeds or fails by itself. */
export const handleLeaderAndIsr: Handler<typeof leaderAndIsr> = (request, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  const { control } = context.broker.admin
  return control.replicas.changes.take(async () => {
    control.admit(request)
    const grouped = request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map((state) => ({ ...state, topicName })),
    )
    const states = [...grouped, ...request.ungroupedPartitionStates]
    await readTopicConfigs(
      states.filter(({ isNew }) => isNew).map(({ topicName }) => topicName),
      context.broker,
    )
    return { partitionErrors: await Promise.all(states.map((state) => answer(state, context))) }
  })
}
