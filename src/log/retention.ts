import type { Int64 } from '../protocol/int64.ts'
import type { LogOffsets } from './log-types.ts'
import { deletesOld, type LogConfig } from './log-config.ts'
import { readNow } from './reads.ts'
import type { Segment } from './segment.ts'

/** A segment as retention sees it; `largestTimestamp` is asked only where time decides. */
export type RetainedSegment = { baseOffset: number; sizeBytes: number; largestTimestamp: () => Int64 }
export type RetainedLog = LogOffsets & { segments: readonly RetainedSegment[] }
export type Deletable = { count: number; reason: 'retention.ms' | 'retention.bytes' | 'log start offset' }

export const retainedOf = (segments: readonly Segment[], { logStartOffset, logEndOffset, highWatermark }: LogOffsets): RetainedLog => ({
  segments: segments.map((segment) => ({
    baseOffset: segment.baseOffset,
    sizeBytes: segment.sizeBytes,
    largestTimestamp: () => readNow(segment.largestTimestamp()),
  })),
  logStartOffset,
  logEndOffset,
  highWatermark,
})

/** How many segments, counted from the oldest, fulfil the predicate and hold nothing that consumers cannot see yet. An empty last segment stays. */
const leading = (log: RetainedLog, isOld: (segment: RetainedSegment, next: RetainedSegment | undefined) => boolean): number => {
  let count = 0
  for (const [i, segment] of log.segments.entries()) {
    const next = log.segments[i + 1]
    const isLastAndEmpty = next === undefined && segment.sizeBytes === 0
    if (isLastAndEmpty || log.highWatermark < (next?.baseOffset ?? log.logEndOffset) || !isOld(segment, next)) break
    count++
  }
  return count
}

/** What retention takes, the first reason that finds something; ask again until it finds nothing. Source: kafka.log.Log.deleteOldSegments (2.6). */
export const deletableSegments = (log: RetainedLog, config: LogConfig, nowMs: number): Deletable | undefined => {
  const deletes = deletesOld(config)
  if (deletes && config.retentionMs >= 0) {
    const count = leading(log, (segment) => segment.largestTimestamp() < nowMs - config.retentionMs)
    if (count > 0) return { count, reason: 'retention.ms' }
  }
  if (deletes && config.retentionBytes >= 0) {
    let excessBytes = log.segments.reduce((sum, segment) => sum + segment.sizeBytes, -config.retentionBytes)
    const count = leading(log, (segment) => (excessBytes -= segment.sizeBytes) >= 0)
    if (count > 0) return { count, reason: 'retention.bytes' }
  }
  const count = leading(log, (_segment, next) => next !== undefined && next.baseOffset <= log.logStartOffset)
  return count > 0 ? { count, reason: 'log start offset' } : undefined
}
