import type { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'
import { LEADER_DURING_DELETE } from '../metadata/cache.ts'

export const refuseUpdateMetadata: Refusal<typeof updateMetadata> = (_request, { code }) => ({ errorCode: code })

/** Before v5 every partition named its topic itself. */
const deletedBy = ({ topicStates, ungroupedPartitionStates }: RequestOf<typeof updateMetadata>) =>
  [
    ...topicStates.flatMap(({ topicName, partitionStates }) => partitionStates.map((state) => ({ ...state, topicName }))),
    ...ungroupedPartitionStates,
  ]
    .filter(({ leader }) => leader === LEADER_DURING_DELETE)
    .map(({ topicName, partitionIndex }) => ({ topic: topicName, partition: partitionIndex }))

/** The controller tells what to answer to Metadata. */
export const handleUpdateMetadata: Handler<typeof updateMetadata> = (request, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  const { control } = context.broker.admin
  control.admit(request)
  control.updateMetadata(request)
  const deleted = deletedBy(request)
  if (deleted.length > 0) void context.broker.groups.onPartitionsDeleted(deleted)
  return {}
}
