import type { RequestOf } from '../../protocol/schema.ts'
import type { describeAcls } from '../../protocol/api/29-describe-acls.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { type AclFilter, nameOf, OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES } from '../../security/acl.ts'
import type { Context } from '../context.ts'
import type { AclStore } from '../metadata/acl-store.ts'

/** KafkaError SECURITY_DISABLED where the broker has no authorizer. */
export const requireAcls = (context: Context): AclStore => {
  const { acls } = context.broker.admin
  if (acls) return acls
  throw new KafkaError('SECURITY_DISABLED', 'No Authorizer is configured on the broker')
}

/** What DescribeAcls and each filter of DeleteAcls carry. KafkaError INVALID_REQUEST for a value that no table has. */
export const filterOf = (wire: RequestOf<typeof describeAcls>): AclFilter => {
  const filter: AclFilter = {
    resourceType: nameOf(RESOURCE_TYPES, wire.resourceTypeFilter),
    resourceName: wire.resourceNameFilter,
    patternType: nameOf(PATTERN_TYPES, wire.patternTypeFilter),
    principal: wire.principalFilter,
    host: wire.hostFilter,
    operation: nameOf(OPERATIONS, wire.operation),
    permission: nameOf(PERMISSIONS, wire.permissionType),
  }
  if ([filter.resourceType, filter.patternType, filter.operation, filter.permission].includes('UNKNOWN')) {
    throw new KafkaError('INVALID_REQUEST', 'The AclBindingFilter has UNKNOWN elements; use ANY or a known value')
  }
  return filter
}
