import type { Int64 } from '../protocol/int64.ts'
import type { LogConfig } from './log-config.ts'

/** Who wrote the records: `client` is checked hardest; `coordinator` may write control batches; `replication` takes the leader's offsets and epochs as they are. */
export type AppendOrigin = 'client' | 'coordinator' | 'replication'

export type AppendOptions = {
  origin: AppendOrigin
  /** Stamped into the batches of `client` and `coordinator`. Ignored for `replication`, whose batches carry it. */
  leaderEpoch: number
}

/** What an append did. The records were written into the file, not forced to the medium (unless flush.messages says so). */
export type AppendInfo = {
  firstOffset: number
  lastOffset: number
  /** Of the batches as stored; -1 where they have none. */
  maxTimestamp: Int64
  /** The last offset of the batch with maxTimestamp. */
  offsetOfMaxTimestamp: number
  /** -1 unless message.timestamp.type is LogAppendTime. */
  logAppendTime: number
  logStartOffset: number
  /** As stored. */
  sizeBytes: number
  /** An idempotent producer sent it again: nothing was appended, the offsets are those of the first time. */
  isDuplicate?: true
}

export type ReadOptions = {
  /** Records beyond are not read; a first batch that is larger comes whole if `minOneBatch`. */
  maxBytes: number
  /** Where reading ends: what is there, what consumers may see, or (exclusive) an offset such as the last stable one. */
  upTo: 'logEnd' | 'highWatermark' | number
  minOneBatch: boolean
}

export type ReadResult = {
  /** Whole batches in memory of their own. The first one holds the wanted offset, so it may begin before it. */
  records: Buffer
  /** The first batch is larger than maxBytes and `minOneBatch` was not set: `records` holds only its first maxBytes. */
  firstEntryIncomplete: boolean
}

export const EMPTY_READ: ReadResult = { records: Buffer.alloc(0), firstEntryIncomplete: false }

export type TimestampedOffset = { timestamp: Int64; offset: number; leaderEpoch: number | undefined }

/** What a segment is asked for: records of offsets below `endOffset`. */
export type SegmentRead = { offset: number; endOffset: number; maxBytes: number; minOneBatch: boolean }
export type SegmentAppend = { records: Buffer; largestOffset: number; maxTimestamp: Int64; offsetOfMaxTimestamp: number }

/** Where a log begins and ends, and what its consumers see, at the time when it is asked. */
export type LogOffsets = { readonly logStartOffset: number; readonly logEndOffset: number; readonly highWatermark: number }
/** What readers must know of the log beside its segments. */
export type LogView = LogOffsets & { readonly topic: string; readonly partition: number; readonly config: LogConfig }
