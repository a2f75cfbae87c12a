import { clusters, type Cluster, type ClusterStatus } from '../../api/index.ts'
import * as resources from '../../kube/resources.ts'
import { keyOf, type Key, type KubeObject, type Resource, type Result } from '../../kube/types.ts'
import { isPaused } from '../admission.ts'
import { RESYNC_MS, type Environment } from '../environment.ts'
import { Unreachable } from '../kafka/contact.ts'
import { removeLeftovers } from '../kafka/leftovers.ts'
import { reconciling, type Verdict } from '../reasons.ts'
import { credentials, newCredentials } from './credentials.ts'
import { desired } from './desired.ts'
import { drain, leavingBrokers, type Leaving } from './drain.ts'
import { observeCluster, type ClusterSeen } from './observe.ts'
import { isReady, isZooKeeper } from './pods.ts'
import { replaceNext, type KafkaFacts } from './replace.ts'
import { outdatedPods } from './roll.ts'
import { clusterStatus } from './status.ts'

const RETRY_MS = 5000
/** E.g. objects of an earlier Cluster that are still being collected. */
const TROUBLE_RETRY_MS = 1000
const WAIT_FOR_CONTACT_MS = 500

const KINDS = [
  resources.services,
  resources.configMaps,
  resources.secrets,
  resources.statefulSets,
  resources.podDisruptionBudgets,
] as Resource[]

/** Brings one Cluster to its spec. Level-based: it is told a name, never an event. */
export const reconcileCluster =
  (environment: Environment) =>
  async (key: Key): Promise<Result> => {
    const cluster = environment.store.clusters.get(key)
    if (!cluster || cluster.metadata.deletionTimestamp) {
      environment.contacts.forget(key) // owner references collect the rest
      return {}
    }
    if (isPaused(cluster)) return {}
    const seen = await observeCluster(environment, cluster)
    const image = imageOf(environment, seen)
    const { staying, draining } = await shrink(environment, seen)
    const objects = desired(cluster, { image, advertise: environment.advertise, staying })
    const statefulSets = objects.filter((object): object is resources.StatefulSet => object.kind === 'StatefulSet')
    const trouble = seen.obstacle ?? (await carryOut(environment, seen, objects))
    const kafka = seen.obstacle ? {} : await lookIntoKafka(environment, seen)
    const outdated = outdatedPods({ statefulSets, pods: seen.pods })
    const blocked = !trouble && outdated.length > 0 ? await replaceNext(environment, cluster, statefulSets, kafka) : undefined
    const hindrance = trouble ?? blocked ?? draining
    const { advertise } = environment
    const inputs = { cluster, pods: seen.pods, outdated: outdated.length, image, advertise, clusterId: kafka.clusterId, trouble: hindrance }
    const status = clusterStatus(inputs, environment.wall.nowMs())
    await environment.kube.patchStatus(clusters, cluster, status)
    return { requeueAfterMs: againMs(status, kafka, hindrance) }
  }

const againMs = ({ conditions }: ClusterStatus, kafka: KafkaFacts, hindrance: Verdict | undefined): number => {
  if (conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return RESYNC_MS
  if (kafka.isAwaited) return WAIT_FOR_CONTACT_MS
  return hindrance?.state === 'reconciling' ? TROUBLE_RETRY_MS : RETRY_MS
}

/** Brokers that the spec no longer has stay, by group, until no partition is on them. */
const shrink = async (environment: Environment, { cluster, statefulSets, obstacle }: ClusterSeen) => {
  const leaving = obstacle ? [] : leavingBrokers(cluster, statefulSets)
  const draining = leaving.length > 0 ? await drainStep(environment, cluster, leaving) : undefined
  return { draining, staying: new Map(leaving.map(({ group, brokers }) => [group, draining ? brokers.length : 0])) }
}

/** What the user says; else what runs, so that a new operator alone restarts nothing; else the operator's own. */
const imageOf = (environment: Environment, { cluster, statefulSets }: ClusterSeen): string =>
  cluster.spec.image ?? statefulSets.map((set) => set.spec.template.spec.containers[0]?.image).find(Boolean) ?? environment.image

/** What pods mount and are found by is there before them. Each object by itself: one that fails does not keep the others from being applied. */
const carryOut = async (environment: Environment, seen: ClusterSeen, wanted: KubeObject[]): Promise<Verdict | undefined> => {
  const { cluster } = seen
  const data = seen.credentials?.data ?? newCredentials()
  const secret = credentials(cluster, data)
  // Created, never overwritten: two passwords of which one is lost would lock everybody out.
  if (!seen.credentials) await environment.kube.create(resources.secrets, secret)
  const isSet = (object: KubeObject) => object.kind === resources.statefulSets.kind
  const first = await applyAll(environment, cluster, [secret, ...wanted.filter((object) => !isSet(object))])
  const then = await applyAll(environment, cluster, wanted.filter(isSet))
  const failures = [...first, ...then]
  return failures.length > 0 ? reconciling('BrokersNotReady', failures.join('; ').slice(0, 2000)) : undefined
}

/** What went wrong, object by object. */
const applyAll = async (environment: Environment, cluster: Cluster, objects: KubeObject[]): Promise<string[]> => {
  const failures = await Promise.all(
    objects.map(async (object) => {
      try {
        await applyOne(environment, cluster, object)
        return []
      } catch (error) {
        const { kind, metadata } = object
        environment.logger.warn({ cluster: keyOf(cluster), kind, name: metadata.name, err: error }, 'could not be applied')
        return [`${kind} ${metadata.name}: ${(error as Error).message}`]
      }
    }),
  )
  return failures.flat()
}

const applyOne = async (environment: Environment, cluster: Cluster, object: KubeObject): Promise<void> => {
  const resource = KINDS.find(({ kind }) => kind === object.kind)!
  const { changed, created } = await environment.kube.apply(resource, object)
  if (!changed) return
  const note = `${object.kind} ${object.metadata.name}`
  await environment.events.record(cluster, { type: 'Normal', reason: created ? 'Created' : 'Changed', action: 'Reconcile', note })
}

/** What only the brokers know; and what was left undone in Kafka. Not being able to ask is no failure: the pods may just be starting. */
const lookIntoKafka = async (environment: Environment, seen: ClusterSeen): Promise<KafkaFacts> => {
  const key = keyOf(seen.cluster)
  const hasBroker = seen.pods.some((pod) => !isZooKeeper(pod) && isReady(pod))
  if (!hasBroker) return {}
  try {
    const contact = await environment.contacts.get(key)
    const { clusterId, controllerId, brokers } = await contact.describeCluster()
    await removeLeftovers(environment, key, contact)
    return { contact, clusterId: clusterId ?? undefined, controllerId, brokerIds: brokers.map(({ id }) => id) }
  } catch (error) {
    const level = error instanceof Unreachable ? 'debug' : 'warn'
    environment.logger[level]({ cluster: key, err: error }, 'the brokers could not be asked')
    return { isAwaited: true }
  }
}

/** Why the brokers that leave are still needed; undefined: they may go. */
const drainStep = async (environment: Environment, cluster: Cluster, leaving: readonly Leaving[]): Promise<Verdict | undefined> => {
  const brokers = leaving.flatMap((group) => group.brokers)
  try {
    const verdict = await drain(await environment.contacts.get(keyOf(cluster)), cluster, brokers)
    if (verdict) return verdict
    const note = `no partition is on the brokers ${brokers.join(', ')} any more: their pods go, their volumes stay`
    await environment.events.record(cluster, { type: 'Normal', reason: 'Changed', action: 'ScaleDown', note })
    return undefined
  } catch (error) {
    const level = error instanceof Unreachable ? 'debug' : 'warn'
    environment.logger[level]({ cluster: keyOf(cluster), err: error }, 'brokers could not be drained')
    return reconciling(
      'Draining',
      `brokers ${brokers.join(', ')} are to go; what is on them could not be asked: ${(error as Error).message}`,
    )
  }
}
