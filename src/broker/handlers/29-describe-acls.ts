import type { describeAcls } from '../../protocol/api/29-describe-acls.ts'
import { CLUSTER_NAME, OPERATIONS, patternKey, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'
import { filterOf, requireAcls } from './acl-messages.ts'

export const refuseDescribeAcls: Refusal<typeof describeAcls> = (_request, { code, message }) => ({
  errorCode: code,
  errorMessage: message,
})

/** The bindings that a filter means, by resource. */
export const handleDescribeAcls: Handler<typeof describeAcls> = (request, context) => {
  context.authorize('DESCRIBE', 'CLUSTER', CLUSTER_NAME)
  const found = requireAcls(context).find(filterOf(request))
  const resources = [...Map.groupBy(found, patternKey).values()].map((bindings) => ({
    resourceType: RESOURCE_TYPES[bindings[0]!.resourceType],
    resourceName: bindings[0]!.resourceName,
    patternType: PATTERN_TYPES[bindings[0]!.patternType],
    acls: bindings.map(({ principal, host, operation, permission }) => ({
      principal,
      host,
      operation: OPERATIONS[operation],
      permissionType: PERMISSIONS[permission],
    })),
  }))
  return { errorMessage: null, resources }
}
