import type { Acl, Cluster, Topic, User } from '../api/index.ts'
import { keyText, type Key } from '../kube/types.ts'
import type { OwnerRecord } from './kafka/contact.ts'
import { namespaceOf, RESERVED_PREFIX } from './names.ts'
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

/** A thing in Kafka that a resource names. `isPrefix`: it stands for all that begin so. `isForAll`: it has no name that could be somebody's own. */
export type Named = { name: string; isPrincipal?: boolean; isPrefix?: boolean; isForAll?: boolean }

/** Why a resource may not refer to this Cluster; undefined when it may. */
export const refusalOf = (cluster: Cluster, object: Dependent, names: readonly Named[]): Verdict | undefined => {
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
  const problem = names.map((named) => problemOf(cluster, allowed.prefixes, named)).find((text) => text !== undefined)
  return problem === undefined ? undefined : stalled('NameNotAllowed', problem)
}

const problemOf = (cluster: Cluster, prefixes: readonly string[], { name, isPrincipal, isPrefix, isForAll }: Named): string | undefined => {
  const clusterText = keyText({ namespace: namespaceOf(cluster), name: cluster.metadata.name })
  if (isForAll)
    return 'resources of another namespace may not have rules for the Cluster or its tokens: use Topic, Group or TransactionalId'
  if (isPrincipal && isSuperUser(cluster, name)) return `${name} is a super user of the Cluster ${clusterText}: choose another name`
  if (name.startsWith('__') || (isPrefix && '__'.startsWith(name)))
    return `${name}: names that begin with __ are Kafka's own; choose another name`
  if (prefixes.some((prefix) => name.startsWith(prefix))) return undefined
  return `${name} must begin with one of ${prefixes.join(', ')}, which is what the Cluster ${clusterText} allows this namespace`
}

const isSuperUser = (cluster: Cluster, name: string): boolean =>
  name.startsWith(RESERVED_PREFIX) || (cluster.spec.authorization?.superUsers ?? []).includes(`User:${name}`)

/** What is written into Kafka's ZooKeeper of the owner. */
export const recordOf = (object: Dependent): OwnerRecord => ({
  owner: { namespace: namespaceOf(object), name: object.metadata.name, uid: object.metadata.uid ?? '' },
  deletionPolicy: object.spec.deletionPolicy,
})
