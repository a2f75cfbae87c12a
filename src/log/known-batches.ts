import type { Int64 } from '../protocol/int64.ts'
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  baseSequenceOf,
  batchSizeOf,
  hasProducerId,
  isControlBatch,
  isLegacy,
  lastOffsetDeltaOf,
  lastOffsetOf,
  lastSequenceOf,
  maxTimestampOf,
  producerEpochOf,
  producerIdOf,
} from '../protocol/records/record-batch.ts'
import type { OffsetEntry } from './offset-index.ts'
import type { LogFile } from './open-files.ts'
import { KNOWN_BATCHES, type KnownBatch, type ProducerEntry } from './producer-entry.ts'
import { readLater, readNow, type Reads } from './reads.ts'
import type { Segment } from './segment.ts'

/** Where most producers are found again; read at once, since a turn of the event loop per read would take a start of thousands of logs much longer. */
const NEAR_BYTES = 256 << 10
/** Five batches of a producer fit into it. */
const FAR_BYTES = 8 << 20
/** Batches larger than this are not read, but for their headers. */
const WINDOW_BYTES = 16 << 10

/** What the headers of a producer's batches say, oldest first, at most as many as are remembered. */
type Found = Map<Int64, { batches: KnownBatch[]; firstSequence: number }>

/**
 * Kafka's snapshot keeps the last batch of each producer, but five may be in flight, and come again after a restart. The ones before it are
 * looked up in the end of the log, as far as they are there. `before` is the snapshot's offset.
 */
export const recallBatches = async (entries: readonly ProducerEntry[], segments: readonly Segment[], before: number): Promise<void> => {
  const wanted = new Map(entries.flatMap((entry) => (entry.last ? [[entry.producerId, entry] as const] : [])))
  if (wanted.size === 0) return
  for (const regionBytes of [NEAR_BYTES, FAR_BYTES]) {
    const found: Found = new Map()
    const walk = walkBack(segments, { before, regionBytes }, (bytes, at) => note(bytes, at, wanted, found))
    const fromOffset = regionBytes === NEAR_BYTES ? readNow(walk) : await readLater(walk)
    const isWhole = [...wanted.values()].map((entry) => recall(entry, found.get(entry.producerId)) || entry.last!.offset < fromOffset)
    if (isWhole.every(Boolean) || fromOffset <= segments[0]!.baseOffset) return
  }
}

const note = (bytes: Buffer, at: number, wanted: ReadonlyMap<Int64, ProducerEntry>, found: Found): void => {
  if (isLegacy(bytes, at) || !hasProducerId(bytes, at) || isControlBatch(bytes, at)) return
  const producerId = producerIdOf(bytes, at)
  if (wanted.get(producerId)?.epoch !== producerEpochOf(bytes, at)) return
  const known = found.get(producerId)?.batches ?? []
  const offsetDelta = lastOffsetDeltaOf(bytes, at)
  const batch = {
    lastSequence: lastSequenceOf(bytes, at),
    offset: lastOffsetOf(bytes, at),
    offsetDelta,
    timestamp: maxTimestampOf(bytes, at),
  }
  const batches = [...known.slice(1 - KNOWN_BATCHES), batch]
  found.set(producerId, { batches, firstSequence: known.length === 0 ? baseSequenceOf(bytes, at) : found.get(producerId)!.firstSequence })
}

/** Whether there is no more to be found: there are enough, or the first of all is among them. */
const recall = (entry: ProducerEntry, found: { batches: readonly KnownBatch[]; firstSequence: number } | undefined): boolean => {
  const last = found?.batches.at(-1)
  if (!found || last?.offset !== entry.last!.offset || last.lastSequence !== entry.last!.lastSequence) return false
  entry.recall(found.batches)
  return found.batches.length === KNOWN_BATCHES || found.firstSequence === 0
}

type Region = { before: number; regionBytes: number }
type Visit = (bytes: Buffer, at: number) => void

/** Visits the headers in the last `regionBytes` of the log before an offset, in their order; gives an offset that is at or before the first one visited. */
function* walkBack(segments: readonly Segment[], { before, regionBytes }: Region, visit: Visit): Reads<number> {
  const parts: { segment: Segment; from: number }[] = []
  let leftBytes = regionBytes
  let fromOffset = before
  for (const segment of segments.filter(({ baseOffset }) => baseOffset < before).toReversed()) {
    const end = yield* segment.offsets.lookup(before)
    const from = yield* batchBefore(segment, Math.max(0, end.position - leftBytes))
    parts.unshift({ segment, from: from.position })
    fromOffset = from.position === 0 ? segment.baseOffset : from.offset
    leftBytes -= segment.sizeBytes - from.position
    if (leftBytes <= 0) break
  }
  for (const { segment, from } of parts) yield* walkHeaders({ file: segment.log, from, end: segment.sizeBytes }, before, visit)
  return fromOffset
}

/** A batch at or before a byte of the segment, and an offset in it or after it; the segment's begin where the index knows none, or is not right. */
function* batchBefore(segment: Segment, position: number): Reads<OffsetEntry> {
  const entry = yield* segment.offsets.lookupPosition(position)
  const start = { offset: segment.baseOffset, position: 0 }
  if (entry.position <= 0 || entry.position + BATCH_HEADER_BYTES > segment.sizeBytes) return start
  const header = yield { file: segment.log, position: entry.position, lengthBytes: BATCH_HEADER_BYTES }
  const isBatch = header[16] === 2 && baseOffsetOf(header) >= segment.baseOffset && lastOffsetDeltaOf(header) >= 0
  return isBatch && lastOffsetOf(header) <= entry.offset ? entry : start
}

function* walkHeaders(range: { file: LogFile; from: number; end: number }, before: number, visit: Visit): Reads<void> {
  let position = range.from
  while (position + BATCH_HEADER_BYTES <= range.end) {
    const bytes = yield { file: range.file, position, lengthBytes: Math.min(WINDOW_BYTES, range.end - position) }
    let at = 0
    while (at + BATCH_HEADER_BYTES <= bytes.length) {
      const sizeBytes = batchSizeOf(bytes, at)
      if (sizeBytes < BATCH_HEADER_BYTES && !isLegacy(bytes, at)) return
      if (sizeBytes <= 0 || position + at + sizeBytes > range.end || lastOffsetOf(bytes, at) >= before) return
      visit(bytes, at)
      at += sizeBytes
    }
    if (at === 0) return
    position += at
  }
}
