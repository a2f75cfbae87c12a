import type { alterPartitionReassignments } from '../../protocol/api/45-alter-partition-reassignments.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { WantedMove } from '../controller/move-requests.ts'
import { makeReassignments } from '../controller/reassignments.ts'
import type { Handler, Refusal } from '../handler.ts'
import { byTopic, failure } from './shared.ts'

export const refuseAlterPartitionReassignments: Refusal<typeof alterPartitionReassignments> = (_request, { code, message }) => ({
  errorCode: code,
  errorMessage: message,
})

/** Begins, replaces and gives up moves of partitions to other brokers, each by itself. It does not wait until they are done. */
export const handleAlterPartitionReassignments: Handler<typeof alterPartitionReassignments> = async ({ topics }, context) => {
  context.authorize('ALTER', 'CLUSTER', CLUSTER_NAME)
  const controller = context.broker.admin.controller()
  if (!controller) throw new KafkaError('NOT_CONTROLLER')
  const wanted = new Map<string, WantedMove>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, replicas } of partitions)
      wanted.set(`${name}-${partitionIndex}`, { topic: name, partition: partitionIndex, replicas })
  }
  const moves = [...wanted.values()]
  const answers = await controller.part(makeReassignments).alter(moves)
  const results = moves.map(({ topic, partition }, index) => {
    const error = answers[index]
    return { topic, partitionIndex: partition, ...(error ? failure(error) : { errorCode: 0, errorMessage: null }) }
  })
  return { errorCode: 0, errorMessage: null, responses: byTopic(results).map(([name, partitions]) => ({ name, partitions })) }
}
