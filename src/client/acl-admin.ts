import { describeAcls } from '../protocol/api/29-describe-acls.ts'
import { createAcls } from '../protocol/api/30-create-acls.ts'
import { deleteAcls } from '../protocol/api/31-delete-acls.ts'
import { checked } from '../protocol/errors.ts'
import { nameOf, OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES, type AclBinding, type AclFilter } from '../security/acl.ts'
import type { ClusterClient } from './cluster-client.ts'

const filterOf = (filter: AclFilter) => ({
  resourceTypeFilter: RESOURCE_TYPES[filter.resourceType],
  resourceNameFilter: filter.resourceName,
  patternTypeFilter: PATTERN_TYPES[filter.patternType],
  principalFilter: filter.principal,
  hostFilter: filter.host,
  operation: OPERATIONS[filter.operation],
  permissionType: PERMISSIONS[filter.permission],
})

/** The ACL bindings of a cluster. Calls reject with the first error in an answer, or when the cluster cannot be reached. */
export class AclAdmin {
  readonly #client: ClusterClient

  constructor(client: ClusterClient) {
    this.#client = client
  }

  async describe(filter: AclFilter): Promise<AclBinding[]> {
    const answer = checked(await this.#client.anyBroker(describeAcls, filterOf(filter)))
    return answer.resources.flatMap(({ resourceType, resourceName, patternType, acls }) =>
      acls.map(({ principal, host, operation, permissionType }) => ({
        resourceType: nameOf(RESOURCE_TYPES, resourceType),
        resourceName,
        patternType: nameOf(PATTERN_TYPES, patternType),
        principal,
        host,
        operation: nameOf(OPERATIONS, operation),
        permission: nameOf(PERMISSIONS, permissionType),
      })),
    )
  }

  async create(bindings: readonly AclBinding[]): Promise<void> {
    if (bindings.length === 0) return
    const creations = bindings.map((binding) => ({
      resourceType: RESOURCE_TYPES[binding.resourceType],
      resourceName: binding.resourceName,
      resourcePatternType: PATTERN_TYPES[binding.patternType],
      principal: binding.principal,
      host: binding.host,
      operation: OPERATIONS[binding.operation],
      permissionType: PERMISSIONS[binding.permission],
    }))
    const { results } = await this.#client.anyBroker(createAcls, { creations })
    results.forEach(checked)
  }

  /** Bindings that are not there are no error. */
  async delete(bindings: readonly AclBinding[]): Promise<void> {
    if (bindings.length === 0) return
    const { filterResults } = await this.#client.anyBroker(deleteAcls, { filters: bindings.map(filterOf) })
    filterResults.forEach(checked)
  }
}
