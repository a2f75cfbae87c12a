import { hasCondition } from './conditions.ts'
import type { Pod } from './resources.ts'

/** Where a kubelet of the local mode must share one address among pods, it says here which port stands for which (JSON: {"9092": 40123}). */
export const LOCAL_PORTS = 'local.sofakafka.io/ports'

/** A pod that is being deleted does not count, whatever its condition says. */
export const isReady = (pod: Pod): boolean => !pod.metadata.deletionTimestamp && hasCondition(pod, 'Ready')

/** Where the pod's port can be reached; undefined while it has no address. */
export const addressOf = (pod: Pod, port: number): { host: string; port: number } | undefined => {
  const host = pod.status?.podIP
  if (!host) return undefined
  const text = pod.metadata.annotations?.[LOCAL_PORTS]
  const ports = text ? (JSON.parse(text) as Record<string, number>) : {}
  return { host, port: ports[String(port)] ?? port }
}
