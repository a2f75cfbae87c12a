import type { KnownPartition } from './context.ts'
import type { TermTools } from './term-part.ts'

/**
 * A broker that registered after a partition's state was written has been away since, although the state still counts it in: it failed and came back while there was
 * no controller to see it. Left as it is, such a leader would lead on in the same epoch with a log that may have lost its end. Only for a cluster that was just
 * loaded. A leader's write of the in-sync set in between hides the bounce of a follower.
 */
export const electAfterMissedBounces = async (tools: TermTools, partitions: readonly KnownPartition[]): Promise<void> => {
  const { context, logger } = tools
  const bounced = new Map<object, Set<number>>()
  for (const known of partitions) {
    const { leader, isr, mzxid } = known.leadership ?? {}
    if (mzxid === undefined) continue
    const ids = [leader!, ...isr!].filter((id) => (context.brokers.get(id)?.epoch ?? mzxid) > mzxid)
    if (ids.length > 0) bounced.set(known, new Set(ids))
  }
  const concerned = partitions.filter((known) => bounced.has(known))
  if (concerned.length === 0) return
  logger.info({ partitions: concerned.length }, 'brokers were away and are back without a controller that saw it')
  await tools.partitions.online(concerned, {
    type: 'missed-bounce',
    bounced: (known, brokerId) => bounced.get(known)?.has(brokerId) ?? false,
  })
}
