import type { leaderAndIsr } from '../../protocol/api/04-leader-and-isr.ts'
import { codeOf, KafkaError } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Control } from '../admin-ports.ts'
import type { Handler, Refusal } from '../handler.ts'

type WirePartition = RequestOf<typeof leaderAndIsr>['ungroupedPartitionStates'][number]

export const refuseLeaderAndIsr: Refusal<typeof leaderAndIsr> = (_request, { code }) => ({ errorCode: code })

/** An epoch that is not newer was overtaken by a later request. */
const become = ({ replicas }: Control, brokerId: number, topic: string, state: Omit<WirePartition, 'topicName'>): void => {
  const { partitionIndex, leaderEpoch, isNew } = state
  if (!state.replicas.includes(brokerId)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  if (leaderEpoch <= (replicas.get(topic, partitionIndex)?.leaderEpoch ?? -1)) throw new KafkaError('STALE_CONTROLLER_EPOCH')
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
  if (state.leader === brokerId) replicas.lead(topic, partitionIndex, leadership, isNew)
  else replicas.follow(topic, partitionIndex, leadership, isNew)
}

/** The controller names leaders and followers; each partition succeeds or fails by itself. */
export const handleLeaderAndIsr: Handler<typeof leaderAndIsr> = (request, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  const { control } = context.broker.admin
  control.admit(request)
  const grouped = request.topicStates.flatMap(({ topicName, partitionStates }) => partitionStates.map((state) => ({ ...state, topicName })))
  const partitionErrors = [...grouped, ...request.ungroupedPartitionStates].map((state) => {
    const { topicName, partitionIndex } = state
    try {
      become(control, context.broker.brokerId, topicName, state)
      return { topicName, partitionIndex, errorCode: 0 }
    } catch (err) {
      if (!(err instanceof KafkaError))
        context.broker.logger.error({ topic: topicName, partition: partitionIndex, err }, 'a replica could not be made')
      return { topicName, partitionIndex, errorCode: codeOf(err) }
    }
  })
  return { partitionErrors }
}
