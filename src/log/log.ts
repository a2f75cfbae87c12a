import { KafkaError } from '../protocol/errors.ts'
import type { Int64 } from '../protocol/int64.ts'
import { duplicateInfo, infoOf, inspect, noteEpochs, numbered, type NumberedBatches } from './append-batches.ts'
import { Durability } from './durability.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { segmentJitterMs, type LogConfig } from './log-config.ts'
import type { LogContext } from './log-context.ts'
import type { LogState } from './log-state.ts'
import type { LogProducers } from './log-producers.ts'
import { LogReader } from './log-reader.ts'
import type { AppendInfo, AppendOptions, AppendOrigin, ReadOptions, ReadResult, SegmentAppend, TimestampedOffset } from './log-types.ts'
import { appendRules, isWorthAThread, prepareHere, prepareInThread } from './prepare.ts'
import { readNow } from './reads.ts'
import type { LogRegion } from './region.ts'
import { deletableSegments, retainedOf } from './retention.ts'
import type { Segments } from './segments.ts'
import { StorageGuard } from './storage-guard.ts'
import type { AbortedTransaction } from './transaction-index.ts'
import { Turns } from './turns.ts'

/**
 * One partition on disk. Appends and cuts have one order, that of the calls. An append is one synchronous write into the page cache and returns plain
 * values; it returns a promise where it must wait: for a thread that decompresses, for earlier appends that wait, for the budget of unsynced bytes,
 * for the fsync that flush.messages asks for. Errors: KafkaError; what the disk throws becomes KAFKA_STORAGE_ERROR with it as the cause.
 * After a failed write the log is as before; after a failed fsync its directory is offline.
 */
export class Log {
  readonly topic: string
  readonly partition: number
  readonly epochs: LeaderEpochs
  readonly producers: LogProducers
  config: LogConfig
  readonly #context: LogContext
  readonly #segments: Segments
  #logStartOffset: number
  #logEndOffset: number
  #highWatermark: number
  #jitterMs: number
  /** The appends and cuts that wait; new ones go behind them. */
  readonly #turns = new Turns()
  readonly #guard: StorageGuard
  readonly #reader: LogReader
  readonly #durability: Durability

  constructor(state: LogState, context: LogContext) {
    this.topic = state.topic
    this.partition = state.partition
    this.epochs = state.epochs
    this.config = state.config
    this.#context = context
    this.#segments = state.segments
    this.producers = state.producers
    this.#logStartOffset = state.logStartOffset
    this.#logEndOffset = state.logEndOffset
    this.#highWatermark = Math.min(Math.max(state.highWatermark, state.logStartOffset), state.logEndOffset)
    this.producers.states.highWatermarkMoved(this.#highWatermark)
    this.#guard = new StorageGuard(`${state.topic}-${state.partition}`, context.store)
    this.#reader = new LogReader(this, state.segments, this.#guard, context.pageCache)
    const parts = {
      segments: state.segments,
      epochs: state.epochs,
      flusher: context.flusher,
      clock: context.clocks.monotonic,
      guard: this.#guard,
      logEndOffset: () => this.#logEndOffset,
    }
    this.#durability = new Durability(parts, state.recoveryPoint)
    this.#jitterMs = segmentJitterMs(state.config, context.random)
  }

  /** The path of the partition's directory. */
  get directory(): string {
    return this.#segments.directory.path
  }
  /** The first offset that may be read. */
  get logStartOffset(): number {
    return this.#logStartOffset
  }
  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#logEndOffset
  }
  /** Consumers see what is below. */
  get highWatermark(): number {
    return this.#highWatermark
  }
  /** Readers of committed records see what is below: no transaction that is not ended. */
  get lastStableOffset(): number {
    return this.producers.lastStableOffset(this)
  }
  /** What is below survives a power loss; recovery begins in the segment that holds it. */
  get recoveryPoint(): number {
    return this.#durability.recoveryPoint
  }
  get sizeBytes(): number {
    return this.#segments.sizeBytes
  }
  get segmentCount(): number {
    return this.#segments.all.length
  }
  /** Written but not yet forced to the medium by us. */
  get unsyncedBytes(): number {
    return this.#durability.unsyncedBytes
  }
  get latestEpoch(): number | undefined {
    return this.epochs.latest
  }
  /** The log directory that holds the partition. */
  get logDir(): string {
    return this.#context.store.path
  }
  /** For the start offset's checkpoint, which lists only logs whose start is within a segment. */
  get startsWithinSegment(): boolean {
    return this.#logStartOffset > this.#segments.first.baseOffset
  }

  /**
   * Appends whole batches; the caller's memory is patched and must not change until this is done. For `client` and `coordinator` the records are checked,
   * converted if the topic asks for it, and numbered; for `replication` offsets and epochs are the leader's.
   * KafkaErrors: those of prepareAppend and inspect; RECORD_LIST_TOO_LARGE beyond segment.bytes; KAFKA_STORAGE_ERROR.
   */
  append(records: Buffer, options: AppendOptions): AppendInfo | Promise<AppendInfo> {
    this.#guard.assertUsable()
    const mustWait = this.#turns.isBusy || this.#context.flusher.isFull
    if (!mustWait && !isWorthAThread(records, options, this)) return this.#whenFlushed(this.#appendNow(records, options))
    return this.#turns.take(() => this.#appendLater(records, options)).then((info) => this.#whenFlushed(info))
  }

  async #appendLater(records: Buffer, options: AppendOptions): Promise<AppendInfo> {
    await this.#context.flusher.room()
    const { pool, clocks } = this.#context
    if (options.origin === 'replication' || !pool || !isWorthAThread(records, options, this)) return this.#appendNow(records, options)
    const rules = appendRules(this, options.origin, clocks.wall.nowMs())
    const prepared = await prepareInThread(pool, records, rules)
    this.#guard.assertUsable()
    return this.#write(numbered(prepared, this.#logEndOffset, options.leaderEpoch), rules.nowMs, options.origin)
  }

  #appendNow(records: Buffer, options: AppendOptions): AppendInfo {
    const nowMs = this.#context.clocks.wall.nowMs()
    if (options.origin === 'replication') return this.#write(inspect(records, this.#logEndOffset), nowMs, options.origin)
    const prepared = prepareHere(records, appendRules(this, options.origin, nowMs))
    return this.#write(numbered(prepared, this.#logEndOffset, options.leaderEpoch), nowMs, options.origin)
  }

  #write(batches: NumberedBatches, nowMs: number, origin: AppendOrigin): AppendInfo {
    const { records } = batches
    const logAppendTime = this.config.messageTimestampType === 'LogAppendTime' ? nowMs : -1
    const info = infoOf(batches, logAppendTime, this.#logStartOffset)
    if (records.length === 0) return info
    // A follower takes what its leader stored, whatever segment.bytes is by now.
    if (records.length > this.config.segmentBytes && origin !== 'replication') {
      const message = `an append of ${records.length} bytes to ${this.topic}-${this.partition}; segment.bytes is ${this.config.segmentBytes}`
      throw new KafkaError('RECORD_LIST_TOO_LARGE', message)
    }
    const changes = this.producers.check(records, origin)
    if (changes?.duplicate) return duplicateInfo(info, changes.duplicate)
    this.#guard.run('append', () => this.#appendToSegment({ ...batches, largestOffset: batches.lastOffset }, batches, nowMs))
    // From here on nothing can fail: the offsets are taken.
    this.#logEndOffset = batches.lastOffset + 1
    noteEpochs(this.epochs, batches)
    if (changes) this.#guard.mustRun('append', () => this.producers.apply(changes, this.#segments.active))
    this.#durability.noteWrite(records.length)
    this.#reader.noteWrite(records.length, batches.firstOffset)
    return info
  }

  #appendToSegment(append: SegmentAppend, { firstOffset, hasLegacy }: NumberedBatches, nowMs: number): void {
    if (this.#segments.active.isDueToRoll(append, this.config, { jitterMs: this.#jitterMs, nowMs })) {
      // The first offset inside a batch of an old format is not known without decompressing it: as far below the last as an index can reach.
      this.#roll(Math.max(this.#logEndOffset, hasLegacy ? append.largestOffset - 0x7fff_ffff : firstOffset))
    }
    this.#segments.active.append(append, this.config)
  }

  #roll(baseOffset: number): void {
    if (this.#segments.active.baseOffset === baseOffset && this.#segments.active.sizeBytes === 0) return
    this.#segments.add(baseOffset)
    void this.producers.snapshotSoon(baseOffset)
    this.#jitterMs = segmentJitterMs(this.config, this.#context.random)
    this.#durability.flushSoon()
  }

  #whenFlushed(info: AppendInfo): AppendInfo | Promise<AppendInfo> {
    if (this.#logEndOffset - this.#durability.recoveryPoint < this.config.flushMessages) return info
    return this.flush().then(() => info)
  }

  /** Batches from the one that holds `offset` on. OFFSET_OUT_OF_RANGE outside of logStartOffset to logEndOffset; nothing at or beyond `upTo`. */
  read(offset: number, options: ReadOptions): ReadResult | Promise<ReadResult> {
    return this.#reader.read(offset, options)
  }

  /** Where the records are that `read` would give, for who reads them piece by piece; undefined where there are none. Errors: those of read. */
  region(offset: number, options: ReadOptions): LogRegion | undefined | Promise<LogRegion | undefined> {
    return this.#reader.region(offset, options)
  }

  /** The first record at or after the log's start whose timestamp is at least `timestamp`. UNSUPPORTED_FOR_MESSAGE_FORMAT on topics of magic 0. */
  async offsetForTimestamp(timestamp: Int64): Promise<TimestampedOffset | undefined> {
    this.#guard.assertUsable()
    return this.#reader.offsetForTimestamp(timestamp, this.#context.pool)
  }

  /** What readers of committed records in [from, to) leave out; `to` is at most the last stable offset. */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    return this.#guard.run('look-up', () => this.#reader.abortedTransactions(from, to))
  }

  /** Kept within the log; gives what it is now. */
  setHighWatermark(offset: number): number {
    this.#highWatermark = Math.min(Math.max(offset, this.#logStartOffset), this.#logEndOffset)
    this.producers.states.highWatermarkMoved(this.#highWatermark)
    return this.#highWatermark
  }

  /** The epoch begins at the log's end: for a partition that becomes leader. */
  assignLeaderEpoch(epoch: number): void {
    this.epochs.assign(epoch, this.#logEndOffset)
  }
  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } | undefined {
    return this.epochs.endOffsetFor(epoch, this.#logEndOffset)
  }

  /** Records below `offset` are gone for readers; their segments go with the next retention. OFFSET_OUT_OF_RANGE beyond the high watermark. Gives the start. */
  advanceLogStart(offset: number): number {
    this.#guard.assertUsable()
    if (offset > this.#highWatermark) {
      const message = `Cannot increment the log start offset to ${offset} of partition ${this.topic}-${this.partition} since it is larger than the high watermark ${this.#highWatermark}`
      throw new KafkaError('OFFSET_OUT_OF_RANGE', message)
    }
    if (offset > this.#logStartOffset) this.#moveStart(offset)
    return this.#logStartOffset
  }

  #moveStart(offset: number): void {
    this.#logStartOffset = offset
    this.#highWatermark = Math.max(this.#highWatermark, offset)
    this.#durability.recoveryPoint = Math.max(this.#durability.recoveryPoint, offset)
    this.epochs.truncateFromStart(offset)
    this.#guard.mustRun('retention', () => this.producers.startMoved(this))
  }

  /** Cuts off every batch that reaches `offset` or beyond, behind appends that wait, and makes the cut durable. */
  truncateTo(offset: number): Promise<void> {
    return this.#turns.take(async () => {
      this.#guard.assertUsable()
      if (offset >= this.#logEndOffset) return this.epochs.truncateFromEnd(this.#logEndOffset)
      if (offset < this.#segments.first.baseOffset) this.#startOver(offset)
      else this.#guard.mustRun('truncation', () => this.#cut(offset))
      await this.producers.truncated(this.#segments.all, this).catch((error: unknown) => {
        throw this.#guard.fail('truncation', error)
      })
      await this.flush()
    })
  }

  #cut(offset: number): void {
    this.#segments.discardBeyond(offset, this.config.fileDeleteDelayMs)
    const end = readNow(this.#segments.active.truncateTo(offset))
    this.#endAt(end)
    this.#logStartOffset = Math.min(this.#logStartOffset, end)
    this.epochs.truncateFromEnd(end)
  }

  #endAt(offset: number): void {
    this.#logEndOffset = offset
    this.#highWatermark = Math.min(this.#highWatermark, offset)
    this.#durability.noteCut(offset)
    this.#reader.noteCut(offset)
  }

  /** No append or cut waits. */
  get isSettled(): boolean {
    return !this.#turns.isBusy
  }
  /** Resolves when the appends and cuts of until now have ended. */
  settled(): Promise<void> {
    return this.#turns.done()
  }

  /** Drops everything: the log is empty and begins at `offset`. */
  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#turns.take(async () => {
      this.#guard.assertUsable()
      this.#startOver(offset)
      await this.flush()
    })
  }

  #startOver(offset: number): void {
    this.#guard.mustRun('truncation', () => {
      this.#segments.discardBeyond(-1, this.config.fileDeleteDelayMs)
      this.#segments.add(offset)
      this.#endAt(offset)
      this.#logStartOffset = this.#highWatermark = this.#durability.recoveryPoint = offset
      this.epochs.clear()
      this.producers.startOver(offset)
    })
  }

  /** Deletes what retention.ms, retention.bytes and the log's start leave behind; gives the number of segments. */
  deleteOldSegments(): number {
    this.#guard.assertUsable()
    let deleted = 0
    for (;;) {
      const found = this.#guard.run('retention', () =>
        deletableSegments(retainedOf(this.#segments.all, this), this.config, this.#context.clocks.wall.nowMs()),
      )
      if (!found) return deleted
      this.#guard.mustRun('retention', () => this.#deleteOldest(found.count))
      deleted += found.count
      const { topic, partition, logStartOffset } = this
      this.#context.logger.info({ topic, partition, segments: found.count, reason: found.reason, logStartOffset }, 'segments deleted')
    }
  }

  #deleteOldest(count: number): void {
    if (count === this.segmentCount) this.#roll(this.#logEndOffset)
    this.#segments.discardOldest(count, this.config.fileDeleteDelayMs)
    const first = this.#segments.first.baseOffset
    if (first > this.#logStartOffset) this.#moveStart(first)
    this.#durability.flushSoon()
  }

  /** Forces everything appended so far to the medium; concurrent calls share one fsync. A failure takes the directory offline. */
  flush(): Promise<void> {
    return this.#durability.flush()
  }

  /** Once a checkpoint says that a recovery begins at `recoveryPoint` or later: what only an earlier one would need is deleted. */
  forgetSnapshots(recoveryPoint: number): void {
    if (!this.#guard.isDeleted) this.#guard.run('checkpoint', () => this.producers.retainFor(this.#segments.all, recoveryPoint))
  }

  /** In the background, where flush.ms has passed since the last time. */
  flushIfDue(): void {
    if (this.#durability.unflushedMs >= this.config.flushMs) this.#durability.flushSoon()
  }

  /** Brings changed leader epochs into their file. */
  async persistEpochs(): Promise<void> {
    if (this.#guard.isDeleted) return
    await this.#guard.runLater('checkpoint', () => this.#segments.writeEpochs(this.epochs))
  }

  /** Everything on the medium, indexes too, and no descriptor left. */
  async close(): Promise<void> {
    await this.#turns.done()
    await this.#durability.seal()
    await this.producers.seal(this.#logEndOffset)
    this.closeFiles()
  }

  closeFiles(): void {
    this.#segments.closeFiles()
  }

  /** Moves the partition's directory to another name; nothing can be appended or read from then on. */
  markDeleted(path: string): void {
    this.#guard.mustRun('deletion', () => this.#segments.moveTo(path))
    this.#guard.isDeleted = true
    this.closeFiles()
    this.#durability.forget()
  }
}
