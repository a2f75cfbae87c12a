import { KafkaError } from '../protocol/errors.ts'
import type { LogFile } from './open-files.ts'
import type { Reads } from './reads.ts'
import type { SegmentRead } from './log-types.ts'
import type { Segment } from './segment.ts'
import type { StorageGuard } from './storage-guard.ts'

/**
 * Record batches that have not been read: where they are in a file. They begin with a whole batch; the last one may be cut, as in Kafka. Appends, rolls and
 * the deletion of old segments leave a region as it is; when the log is cut, or the files are gone, `readInto` throws.
 */
export interface LogRegion {
  readonly sizeBytes: number
  /** The first batch is larger than maxBytes and `minOneBatch` was not set: the region is only a part of it. */
  readonly firstEntryIncomplete: boolean
  /** No record of the region is at or beyond this offset; where the region is cut by its size, the records end before. */
  readonly endOffset: number
  /** It was written lately: `readInto` does not wait. */
  readonly isAtHand: boolean
  /** Fills `target` with the bytes from `position` (of the region) on and gives their number; at once where they are in the page cache. */
  readInto(target: Buffer, position: number): number | Promise<number>
}

export type FoundRegion = { file: LogFile; position: number; sizeBytes: number; firstEntryIncomplete: boolean; endOffset: number }

/** Where a segment stands among its log's. */
export type Place = {
  /** What is wanted ends in it. */
  isLast: boolean
  /** What is wanted ends where the log ends now, in this segment. */
  reachesEnd: () => boolean
}

/** What a segment has of the wanted batches: undefined where it has none, an empty region where they are not below `endOffset`. */
export function* regionIn(segment: Segment, wanted: SegmentRead, { isLast, reachesEnd }: Place): Reads<FoundRegion | undefined> {
  const { offset, endOffset, maxBytes, minOneBatch } = wanted
  const tail = reachesEnd() ? tailIn(segment, wanted) : undefined
  if (tail) return tail
  const first = yield* segment.batchAt(offset)
  if (!first) return undefined
  const { position } = first
  const found = { file: segment.log, position, firstEntryIncomplete: false, endOffset }
  if (first.lastOffset >= endOffset) return { ...found, sizeBytes: 0 }
  if (first.sizeBytes > maxBytes)
    return { ...found, sizeBytes: minOneBatch ? first.sizeBytes : maxBytes, firstEntryIncomplete: !minOneBatch }
  if (!isLast && position + maxBytes <= segment.sizeBytes) return { ...found, sizeBytes: maxBytes }
  const end = reachesEnd() ? segment.sizeBytes : ((yield* segment.batchAt(endOffset))?.position ?? segment.sizeBytes)
  if (end <= position + maxBytes) segment.ends.note(endOffset, end)
  return { ...found, sizeBytes: Math.min(maxBytes, end - position) }
}

/** Everything from a known place to the end of the log, without a look into the file: what followers read that keep up. */
const tailIn = (segment: Segment, { offset, endOffset, maxBytes }: SegmentRead): FoundRegion | undefined => {
  const position = segment.ends.of(offset)
  if (position === undefined) return undefined
  const sizeBytes = segment.sizeBytes - position
  if (sizeBytes <= 0 || sizeBytes > maxBytes) return undefined
  segment.ends.note(endOffset, segment.sizeBytes)
  return { file: segment.log, position, sizeBytes, firstEntryIncomplete: false, endOffset }
}

/** `isUncut` tells whether the log has not been cut since the region was found; warm regions are read at once. */
export const readable = (found: FoundRegion, isWarm: boolean, log: { isUncut: () => boolean; guard: StorageGuard }): LogRegion => ({
  sizeBytes: found.sizeBytes,
  firstEntryIncomplete: found.firstEntryIncomplete,
  endOffset: found.endOffset,
  isAtHand: isWarm,
  readInto: (target, position) => {
    if (!log.isUncut()) throw new KafkaError('KAFKA_STORAGE_ERROR', `${found.file.path} was cut while it was being sent`)
    const wanted = target.subarray(0, Math.min(target.length, found.sizeBytes - position))
    const at = found.position + position
    return isWarm
      ? log.guard.run('read', () => found.file.readSync(wanted, at))
      : log.guard.runLater('read', () => found.file.read(wanted, at))
  },
})
