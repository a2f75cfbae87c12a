import type { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'

export const refuseUpdateMetadata: Refusal<typeof updateMetadata> = (_request, { code }) => ({ errorCode: code })

/** The controller tells what to answer to Metadata. */
export const handleUpdateMetadata: Handler<typeof updateMetadata> = (request, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  const { control } = context.broker.admin
  control.admit(request)
  control.updateMetadata(request)
  return {}
}
