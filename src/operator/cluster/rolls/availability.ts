import type { PartitionReplicas } from '../../../client/partition-admin.ts'

/** A partition that would have fewer in-sync replicas than its topic asks for. */
export type AtRisk = { topic: string; partition: number; inSync: number; replicas: number; minInSync: number }

/** Topics of which min.insync.replicas must be known to judge whether the broker may go: with every replica in sync it does not matter. */
export const topicsInDoubt = (brokerId: number, partitions: readonly PartitionReplicas[]): string[] => [
  ...new Set(partitions.filter(({ replicas, isr }) => isr.includes(brokerId) && isr.length < replicas.length).map(({ topic }) => topic)),
]

/**
 * The partitions that keep a broker from going: without it they would be below min.insync.replicas. A topic with no more replicas than that cannot be spared
 * an interruption, so it does not keep anybody.
 */
export const atRisk = (brokerId: number, partitions: readonly PartitionReplicas[], minInSyncOf: (topic: string) => number): AtRisk[] =>
  partitions.flatMap(({ topic, partition, replicas, isr }) => {
    if (!isr.includes(brokerId) || isr.length === replicas.length) return []
    const minInSync = minInSyncOf(topic)
    const isSafe = replicas.length <= minInSync || isr.length - 1 >= minInSync
    return isSafe ? [] : [{ topic, partition, inSync: isr.length, replicas: replicas.length, minInSync }]
  })

/** Whether a replica is missing and the loss of another one would leave fewer in sync than the topic asks for. */
export const atMinimum = ({ replicas, isr }: PartitionReplicas, minInSync: number): boolean =>
  isr.length < replicas.length && isr.length - 1 < Math.max(1, minInSync)

export const riskText = (risks: readonly AtRisk[]): string => {
  const shown = risks
    .slice(0, 3)
    .map(
      ({ topic, partition, inSync, replicas, minInSync }) =>
        `${topic}-${partition} (${inSync} of ${replicas} in sync, ${minInSync} needed)`,
    )
  const more = risks.length > 3 ? ` and ${risks.length - 3} more` : ''
  return `${shown.join(', ')}${more}`
}
