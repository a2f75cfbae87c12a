import type { Cluster } from '../../api/index.ts'

/** On a Cluster: how many bytes per second each broker may send, and receive, of partitions that the operator moves. A number, Ki, Mi or Gi behind it; or `none`. */
export const THROTTLE = 'sofakafka.io/replication-throttle'
const DEFAULT_BYTES_PER_S = 50 * 1024 * 1024
const UNITS: Record<string, number> = { '': 1, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 }

/** Bytes per second; undefined for none. What cannot be read counts as not said: data that moves too slowly harms less than data that moves too fast. */
export const throttleOf = (cluster: Cluster): number | undefined => {
  const text = cluster.metadata.annotations?.[THROTTLE]?.trim()
  if (text === 'none') return undefined
  const [, digits, unit = ''] = /^(\d+)(Ki|Mi|Gi)?$/.exec(text ?? '') ?? []
  const bytes = Number(digits ?? 0) * UNITS[unit]!
  return bytes > 0 ? bytes : DEFAULT_BYTES_PER_S
}
