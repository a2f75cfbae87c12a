import type { Cluster } from '../api/index.ts'
import type { Key, Resource, Result } from '../kube/types.ts'
import { admit, againMs, isPaused, type Claims } from './admission.ts'
import { clusterKeyOf, type Dependent } from './claims.ts'
import type { Environment } from './environment.ts'
import { Unreachable, type Contact } from './kafka/contact.ts'
import { finalize, keepFinalizer } from './lifecycle.ts'
import { reconciling, type Verdict } from './reasons.ts'

/** What came of it; `known` is undefined where Kafka was not looked at. */
export type Brought<Known> = { verdict: Verdict; known?: Known | undefined }
/** What one kind does that lives in a Cluster's Kafka. `Known` is what its status tells beside the verdict. */
type Work<T extends Dependent, Known> = {
  resource: Resource<T>
  claims: Claims<T>
  /** Brings Kafka to what the resource says. May throw Unreachable. */
  bring: (object: T, cluster: Cluster) => Promise<Brought<Known>>
  /** Takes away what the resource stands for. */
  remove: (object: T, contact: Contact) => Promise<void>
  status: (object: T, verdict: Verdict, known: Known | undefined) => T['status']
}

/** One look at a Topic, User or Acl: whether it may be, what it says, and its end. */
export const reconcileDependent = async <T extends Dependent, Known>(
  environment: Environment,
  key: Key,
  work: Work<T, Known>,
): Promise<Result> => {
  const { resource, claims } = work
  const object = claims.informer.get(key)
  if (!object) return {}
  if (object.metadata.deletionTimestamp) return finalize(environment, resource, object, claims, (contact) => work.remove(object, contact))
  if (isPaused(object)) return {}
  await keepFinalizer(environment, resource, object)
  const { verdict, known } = await bringAdmitted(environment, object, work)
  await environment.kube.patchStatus<T>(resource, object, work.status(object, verdict, known))
  return { requeueAfterMs: againMs(verdict, environment.contacts.unreachableMs(clusterKeyOf(object))) }
}

const bringAdmitted = async <T extends Dependent, Known>(
  environment: Environment,
  object: T,
  { claims, bring }: Work<T, Known>,
): Promise<Brought<Known>> => {
  const admission = admit(environment, object, claims)
  if ('verdict' in admission) return admission
  try {
    return await bring(object, admission.cluster)
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    return { verdict: reconciling('BrokersUnreachable', error.message) }
  }
}
