import type { listPartitionReassignments } from '../../protocol/api/46-list-partition-reassignments.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import { makeReassignments } from '../controller/reassignments.ts'
import type { Handler, Refusal } from '../handler.ts'
import { byTopic } from './shared.ts'

export const refuseListPartitionReassignments: Refusal<typeof listPartitionReassignments> = (_request, { code, message }) => ({
  errorCode: code,
  errorMessage: message,
})

/** The moves of partitions that are under way. */
export const handleListPartitionReassignments: Handler<typeof listPartitionReassignments> = async ({ topics }, context) => {
  context.authorize('DESCRIBE', 'CLUSTER', CLUSTER_NAME)
  const controller = context.broker.admin.controller()
  if (!controller) throw new KafkaError('NOT_CONTROLLER')
  const asked = topics?.flatMap(({ name, partitionIndexes }) => partitionIndexes.map((partition) => ({ topic: name, partition })))
  const moves = (await controller.part(makeReassignments).list(asked ?? null)).map(({ topic, partition, replicas, adding, removing }) => ({
    topic,
    partitionIndex: partition,
    replicas: [...replicas],
    addingReplicas: [...adding],
    removingReplicas: [...removing],
  }))
  return { errorCode: 0, errorMessage: null, topics: byTopic(moves).map(([name, partitions]) => ({ name, partitions })) }
}
