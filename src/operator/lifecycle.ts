import { isKubeError } from '../kube/error.ts'
import { keyOf, keyText, type Key, type Resource, type Result } from '../kube/types.ts'
import { admit, type Claims } from './admission.ts'
import { claimOf, clusterKeyOf, refusalOf, type Dependent } from './claims.ts'
import type { Environment } from './environment.ts'
import { Unreachable, type Contact } from './kafka/contact.ts'
import { FINALIZER } from './names.ts'

/** A finalizer waits so long for brokers that cannot be reached; what it would have done is done at the next contact. */
const RELEASE_AFTER_MS = 30_000
const RETRY_MS = 5000

const setFinalizer = async (environment: Environment, resource: Resource, object: Dependent, isWanted: boolean): Promise<void> => {
  const finalizers = object.metadata.finalizers ?? []
  if (finalizers.includes(FINALIZER) === isWanted) return
  const wanted = isWanted ? [...finalizers, FINALIZER] : finalizers.filter((name) => name !== FINALIZER)
  const metadata = { resourceVersion: object.metadata.resourceVersion, finalizers: wanted }
  try {
    await environment.kube.patch(resource, keyOf(object), 'merge', { metadata })
  } catch (error) {
    if (!isKubeError(error, 404)) throw error
  }
}

/** The finalizer is there only while the deletion has something to do. Never for one that is being deleted: the server refuses that. */
export const keepFinalizer = (environment: Environment, resource: Resource, object: Dependent): Promise<void> =>
  setFinalizer(environment, resource, object, object.spec.deletionPolicy === 'Delete')

/** Another resource that names the same thing, and may, takes it over as it is. */
const hasHeir = <T extends Dependent>({ store }: Environment, object: T, claims: Claims<T>): boolean => {
  const key = clusterKeyOf(object)
  const cluster = store.clusters.get(key)
  const claimants = claims.informer.by('claim', claimOf(key, claims.nameOf(object)))
  return claimants.some(
    (other) =>
      other.metadata.uid !== object.metadata.uid &&
      !other.metadata.deletionTimestamp &&
      cluster !== undefined &&
      !refusalOf(cluster, other, claims.namesOf(other)),
  )
}

/**
 * Lets a resource go that is being deleted: takes away what it stands for, where it owns that and says so, then releases it. It is released at once when
 * its Cluster is gone or going, and after a while when nobody can be reached; then the record in Kafka's ZooKeeper tells what is left to do.
 */
export const finalize = async <T extends Dependent>(
  environment: Environment,
  resource: Resource<T>,
  object: T,
  claims: Claims<T>,
  remove: (contact: Contact) => Promise<void>,
): Promise<Result> => {
  if (!object.metadata.finalizers?.includes(FINALIZER)) return {}
  const cluster: Key = clusterKeyOf(object)
  const admission = admit(environment, object, claims)
  const isMine = 'cluster' in admission || admission.verdict.reason === 'ClusterNotReady'
  if (isMine && !hasHeir(environment, object, claims) && object.spec.deletionPolicy === 'Delete') {
    try {
      await remove(await environment.contacts.get(cluster))
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      if (environment.contacts.unreachableMs(cluster) < RELEASE_AFTER_MS) return { requeueAfterMs: RETRY_MS }
      environment.logger.warn({ kind: object.kind, key: keyText(keyOf(object)), err: error }, 'released although Kafka cannot be reached')
    }
  }
  await setFinalizer(environment, resource, object, false)
  return {}
}
