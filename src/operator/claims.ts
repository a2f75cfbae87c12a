import type { Acl, Cluster, Topic, User } from '../api/index.ts'
import { keyText, type Key } from '../kube/types.ts'
import { namespaceOf } from './names.ts'
import { stalled, type Verdict } from './reasons.ts'

/** The kinds that point at a Cluster. */
export type Dependent = Topic | User | Acl

export const clusterKeyOf = (object: Dependent): Key => ({
  namespace: object.spec.clusterRef.namespace ?? namespaceOf(object),
  name: object.spec.clusterRef.name,
})
export const topicName = (topic: Topic): string => topic.spec.name ?? topic.metadata.name
export const userName = (user: User): string => user.spec.username ?? user.metadata.name
export const aclPrincipal = (acl: Acl): string => acl.spec.principal ?? `User:${acl.spec.user ?? ''}`
/** What two resources of a kind must not both have. */
export const claimOf = (cluster: Key, name: string): string => `${keyText(cluster)}/${name}`

/** Oldest first; where both were made in the same second, by namespace and name. */
const isOlder = (a: Dependent, b: Dependent): number => {
  const ageOf = (object: Dependent) => [object.metadata.creationTimestamp ?? '', namespaceOf(object), object.metadata.name].join('\n')
  return ageOf(a) < ageOf(b) ? -1 : 1
}

/** Of those that claim the same name and may, the one that owns it. */
export const ownerOf = <T extends Dependent>(claimants: readonly T[]): T | undefined => [...claimants].sort(isOlder)[0]

/** Why a resource may not refer to this Cluster; undefined when it may. `names` are the things in Kafka that it names. */
export const refusalOf = (
  cluster: Cluster,
  object: Dependent,
  names: readonly { name: string; isPrincipal: boolean; isCluster?: boolean }[],
): Verdict | undefined => {
  const namespace = namespaceOf(object)
  if (namespace === namespaceOf(cluster)) return undefined
  const clusterText = keyText(clusterKeyOf(object))
  const allowed = cluster.spec.allowedNamespaces?.find((entry) => entry.name === namespace)
  if (!allowed) {
    return stalled(
      'NamespaceNotAllowed',
      `the Cluster ${clusterText} does not allow namespace ${namespace}: add it to its spec.allowedNamespaces`,
    )
  }
  const superUsers = (cluster.spec.authorization?.superUsers ?? []).map((principal) => principal.replace(/^User:/, ''))
  for (const { name, isPrincipal, isCluster } of names) {
    if (isCluster)
      return stalled(
        'NameNotAllowed',
        'resources of another namespace may not have rules for the Cluster: use Topic, Group or TransactionalId',
      )
    if (isPrincipal && superUsers.includes(name))
      return stalled('NameNotAllowed', `${name} is a super user of the Cluster ${clusterText}: choose another name`)
    if (!allowed.prefixes.some((prefix) => name.startsWith(prefix))) {
      return stalled(
        'NameNotAllowed',
        `${name} must begin with one of ${allowed.prefixes.join(', ')}, which is what the Cluster ${clusterText} allows namespace ${namespace}`,
      )
    }
  }
  return undefined
}
