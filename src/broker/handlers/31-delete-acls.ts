import type { deleteAcls } from '../../protocol/api/31-delete-acls.ts'
import type { ReplyOf } from '../../protocol/schema.ts'
import { type AclBinding, CLUSTER_NAME, OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES } from '../../security/acl.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { filterOf, requireAcls } from './acl-messages.ts'
import { failure } from './shared.ts'

type FilterResult = NonNullable<ReplyOf<typeof deleteAcls>['filterResults']>[number]

export const refuseDeleteAcls: Refusal<typeof deleteAcls> = (request, { code, message }) => ({
  filterResults: request.filters.map(() => ({ errorCode: code, errorMessage: message })),
})

const removed = ({ resourceType, resourceName, patternType, principal, host, operation, permission }: AclBinding) => ({
  errorCode: 0,
  errorMessage: null,
  resourceType: RESOURCE_TYPES[resourceType],
  resourceName,
  patternType: PATTERN_TYPES[patternType],
  principal,
  host,
  operation: OPERATIONS[operation],
  permissionType: PERMISSIONS[permission],
})

/** Removes the bindings that each filter means and tells which they were. */
export const handleDeleteAcls: Handler<typeof deleteAcls> = async (request, context) => {
  context.authorize('ALTER', 'CLUSTER', CLUSTER_NAME)
  const acls = requireAcls(context)
  const filterResults = await each<(typeof request.filters)[number], FilterResult>(
    request.filters,
    async (filter) => ({ errorCode: 0, errorMessage: null, matchingAcls: (await acls.remove(filterOf(filter))).map(removed) }),
    (_filter, _code, thrown) => failure(thrown),
  )
  return { filterResults }
}
