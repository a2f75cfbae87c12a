import type { Cluster } from '../api/index.ts'
import { conditionOf } from '../kube/conditions.ts'
import type { InformerGroup } from '../kube/informer-group.ts'
import { keyText } from '../kube/types.ts'
import { claimOf, clusterKeyOf, ownerOf, refusalOf, type Dependent, type Named } from './claims.ts'
import { RESYNC_MS, type Environment } from './environment.ts'
import { namespaceOf, PAUSED } from './names.ts'
import { reconciling, stalled, type Verdict } from './reasons.ts'

export type NamesOf<T> = (object: T) => Named[]

/** What a kind says about its resources. */
export type Claims<T extends Dependent> = { informer: InformerGroup<T>; nameOf: (object: T) => string; namesOf: NamesOf<T> }

export type Admission = { cluster: Cluster } | { verdict: Verdict }

/** The resource that owns the name which `object` claims: the oldest of those that may. */
const ownerOfClaim = <T extends Dependent>(object: T, claims: Claims<T>, cluster: Cluster): T | undefined => {
  const claim = claimOf(clusterKeyOf(object), claims.nameOf(object))
  return ownerOf(claims.informer.by('claim', claim).filter((other) => !refusalOf(cluster, other, claims.namesOf(other))))
}

const ADVICE: Record<string, string> = {
  Acl: 'put all rules of a principal into one Acl',
  Topic: 'delete one of the two',
  User: 'delete one of the two',
}

/** Whether anything may be done for this resource now. */
export const admit = <T extends Dependent>(
  { store, watched }: Pick<Environment, 'store' | 'watched'>,
  object: T,
  claims: Claims<T>,
): Admission => {
  const key = clusterKeyOf(object)
  const cluster = store.clusters.get(key)
  if (!cluster) return { verdict: stalled('ClusterNotFound', notFound(keyText(key), watched)) }
  if (cluster.metadata.deletionTimestamp) return { verdict: stalled('ClusterDeleting', `the Cluster ${keyText(key)} is being deleted`) }
  const refusal = refusalOf(cluster, object, claims.namesOf(object))
  if (refusal) return { verdict: refusal }
  const owner = ownerOfClaim(object, claims, cluster)
  if (owner && owner.metadata.uid !== object.metadata.uid) {
    const other = `${namespaceOf(owner)}/${owner.metadata.name}`
    return {
      verdict: stalled('ResourceConflict', `${claims.nameOf(object)} belongs to the older ${owner.kind} ${other}: ${ADVICE[object.kind]}`),
    }
  }
  const ready = conditionOf(cluster.status?.conditions, 'Ready')
  const hasServed = Boolean(cluster.status?.clusterId)
  if (!hasServed && ready?.status !== 'True')
    return { verdict: reconciling('ClusterNotReady', `the Cluster ${keyText(key)} does not serve yet`) }
  return { cluster }
}

const notFound = (cluster: string, watched: readonly string[]): string => {
  if (watched.length === 0) return `there is no Cluster ${cluster}: make it, or make a resource with another clusterRef`
  const where = watched.join(', ')
  return `there is no Cluster ${cluster} in the namespaces that this operator watches (${where}): make it, or let the operator watch its namespace`
}

export const isPaused = (object: { metadata: { annotations?: Record<string, string> } }): boolean =>
  object.metadata.annotations?.[PAUSED] === 'true'

const RETRY_MS = 2000
const MAX_RETRY_MS = 60_000

/**
 * When to look again: what waits for its Cluster is told by the Cluster's own change, and what Kafka refused is tried in case somebody put it right there.
 * Thousands may wait for brokers that nobody reaches: the longer that has been so, the later. They are woken by whoever gets an answer first.
 */
export const againMs = (verdict: Verdict, unreachableMs: number): number => {
  if (verdict.state === 'ready' || verdict.reason === 'ClusterNotReady') return RESYNC_MS
  if (verdict.state === 'stalled') return MAX_RETRY_MS
  return verdict.reason === 'BrokersUnreachable' ? Math.min(Math.max(unreachableMs / 2, RETRY_MS), MAX_RETRY_MS) : RETRY_MS
}
