import type { Cluster } from '../../api/index.ts'
import * as resources from '../../kube/resources.ts'
import { keyOf, type KubeObject } from '../../kube/types.ts'
import { minInSyncOf } from '../kafka/min-in-sync.ts'
import * as names from '../names.ts'
import { isExternal } from '../zookeeper/place.ts'
import { atMinimum } from './rolls/availability.ts'
import { ownedMeta } from './pods/pod.ts'
import { isReady, isZooKeeper } from './pods/broker-pods.ts'
import type { Pass, Step } from './steps.ts'

/** While evictions are refused because replicas lag, Kafka is asked so often whether they may be allowed again. */
const LOOK_AGAIN_MS = 2000
/** In-sync sets shrink without anything that Kubernetes sees. */
const LOOK_EVERY_MS = 60_000

/**
 * Evictions (kubectl drain): of brokers at most one at a time, and none while a partition has no in-sync replica to spare. It is closed as soon as a broker is not ready and
 * opened only when Kafka says that it has caught up: Kubernetes would allow the next one as soon as the pod is ready. While nobody can be asked it stays as it is.
 */
export const budgets: Step = {
  name: 'disruption budgets',
  run: async (pass) => {
    const { cluster, environment } = pass
    if (zooKeepers(cluster) > 1) pass.objects.push(budget(cluster, 'zookeeper', 1))
    const brokers = cluster.spec.brokers.reduce((sum, { replicas }) => sum + replicas, 0)
    // For a single broker it would block every drain.
    if (brokers < 2) return undefined
    const isOpen = await mayLoseOne(pass, brokers)
    const wanted = budget(cluster, 'kafka', isOpen ? 1 : 0)
    const isThere = isOpen === undefined && (await environment.kube.get(resources.podDisruptionBudgets, keyOf(wanted))) !== undefined
    if (!isThere) pass.objects.push(wanted)
    return { requeueAfterMs: isOpen ? LOOK_EVERY_MS : LOOK_AGAIN_MS }
  },
}

const zooKeepers = (cluster: Cluster): number => (isExternal(cluster) ? 0 : cluster.spec.zookeeper.replicas)

/** undefined: nobody knows. */
const mayLoseOne = async ({ seen, kafka }: Pass, wanted: number): Promise<boolean | undefined> => {
  const ready = seen.pods.filter((pod) => !isZooKeeper(pod) && isReady(pod))
  if (ready.length < wanted) return false
  const { contact } = kafka
  if (!contact) return undefined
  const partitions = await contact.partitions.replicas()
  const behind = partitions.filter(({ replicas, isr }) => isr.length < replicas.length)
  const minInSync = await minInSyncOf(contact, [...new Set(behind.map(({ topic }) => topic))])
  return !behind.some((partition) => atMinimum(partition, minInSync(partition.topic)))
}

const budget = (cluster: Cluster, role: 'kafka' | 'zookeeper', maxUnavailable: number): KubeObject => {
  const selector = role === 'kafka' ? names.kafkaSelector(cluster) : names.selectorOf(cluster, names.ZOOKEEPER_GROUP)
  // A pod that does not serve is no loss: it must not keep a node from being drained.
  const spec = { maxUnavailable, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: selector } }
  const metadata = ownedMeta(cluster, `${cluster.metadata.name}-${role}`, role)
  return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec } as KubeObject
}
