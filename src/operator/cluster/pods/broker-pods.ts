import type { Cluster } from '../../../api/index.ts'
import { addressOf, isReady } from '../../../kube/pods.ts'
import type { Pod } from '../../../kube/resources.ts'
import { GROUP_LABEL, TEMPLATE_HASH, ZOOKEEPER_GROUP } from '../../names.ts'

export { addressOf, isReady }
export const isZooKeeper = (pod: Pod): boolean => pod.metadata.labels?.[GROUP_LABEL] === ZOOKEEPER_GROUP
export const hashOfPod = (pod: Pod): string | undefined => pod.metadata.annotations?.[TEMPLATE_HASH]
/** The number at the end of the name: a broker's id. */
export const idOf = (pod: Pod): number => Number(/\d+$/.exec(pod.metadata.name)?.[0] ?? -1)

/** A broker that does not serve after this long is not waited for. */
const START_WITHIN_MS = 60_000

/** How many brokers will serve soon and do not yet. Kafka spreads new partitions over the brokers that serve at that moment. */
export const startingBrokers = (cluster: Cluster, pods: readonly Pod[], nowMs: number): number => {
  const isYoung = ({ metadata }: Cluster | Pod): boolean => nowMs - Date.parse(metadata.creationTimestamp ?? '') < START_WITHIN_MS
  const brokers = pods.filter((pod) => !isZooKeeper(pod))
  const wanted = cluster.spec.brokers.reduce((sum, { replicas }) => sum + replicas, 0)
  const absent = isYoung(cluster) ? Math.max(0, wanted - brokers.length) : 0
  return absent + brokers.filter((pod) => !isReady(pod) && isYoung(pod)).length
}

export const addressText = ({ host, port }: { host: string; port: number }): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** Why a pod is not ready, in its own words. */
export const troubleOf = (pod: Pod): string | undefined => {
  const waiting = pod.status?.containerStatuses?.map(({ state }) => state?.waiting).find((state) => state?.reason)
  if (waiting && waiting.reason !== 'ContainerCreating' && waiting.reason !== 'PodInitializing') {
    return `${pod.metadata.name}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}`
  }
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  return unscheduled && `${pod.metadata.name}: ${unscheduled.message ?? unscheduled.reason ?? 'not scheduled'}`
}
