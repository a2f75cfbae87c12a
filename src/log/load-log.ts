import { join } from 'node:path'
import type { Logger } from '../base/logger.ts'
import { KafkaError } from '../protocol/errors.ts'
import { parseEpochs } from './checkpoint-file.ts'
import { fileName } from './file-names.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { LogProducers } from './log-producers.ts'
import { clearLeftovers } from './leftovers.ts'
import { isCompacted, type LogConfig } from './log-config.ts'
import type { LogContext } from './log-context.ts'
import type { LogState } from './log-state.ts'
import { readLater, readNow } from './reads.ts'
import { scanInThread } from './scan-task.ts'
import { scanSegment, type SegmentScan } from './scan.ts'
import { Segment } from './segment.ts'
import { EPOCH_CHECKPOINT, Segments } from './segments.ts'

export type LoadOptions = {
  topic: string
  partition: number
  path: string
  config: LogConfig
  /** The directory was left by a clean stop: files and indexes are whole. */
  isClean: boolean
  recoveryPoint: number
  /** Of the checkpoint; absent: the first segment's base. */
  logStartOffset: number | undefined
  highWatermark: number
}

/** A smaller segment is checked here sooner than a thread is asked: about two milliseconds of work. */
const INLINE_BYTES = 4 << 20

/**
 * Reads a partition's directory as Kafka does at start: leftovers go, after an unclean stop everything from the segment with the recovery point on is
 * checked batch by batch and cut at the first bad one. Errors: the disk's own; an Error in words for what cannot be served.
 */
export const loadLog = async (options: LoadOptions, context: LogContext): Promise<LogState> => {
  const loading = new Loading(options, context)
  return loading.run()
}

class Loading {
  readonly #options: LoadOptions
  readonly #context: LogContext
  readonly #logger: Logger
  readonly #directory: { path: string }
  #segments: Segment[] = []
  #epochs = new LeaderEpochs()
  /** The base of the first segment that was recovered: what was cut off from there on is not cut on the medium before the next flush. */
  #recoveredFrom = 0
  readonly #recovered = new Set<Segment>()
  /** Segments that were looked through and hold no batch of a producer. */
  readonly #withoutProducers = new Set<Segment>()

  constructor(options: LoadOptions, context: LogContext) {
    this.#options = options
    this.#context = context
    this.#logger = context.logger
    this.#directory = { path: options.path }
  }

  async run(): Promise<LogState> {
    const { topic, partition, config, highWatermark } = this.#options
    const names = clearLeftovers(this.#context.files.disk, this.#options.path, this.#logger)
    this.#epochs = this.#readEpochs(names)
    await this.#openSegments(names)
    const recovered = this.#options.isClean ? undefined : await this.#recover()
    const { logStartOffset, logEndOffset } = await this.#bounds(recovered)
    this.#epochs.truncateFromEnd(logEndOffset)
    this.#epochs.truncateFromStart(logStartOffset)
    const segments = new Segments(this.#directory, this.#segments, this.#context)
    segments.isDirectoryUnsynced = recovered !== undefined
    const recoveryPoint = Math.min(this.#options.isClean ? logEndOffset : this.#recoveredFrom, logEndOffset)
    const producers = await this.#loadProducers(names, { logStartOffset, logEndOffset })
    for (const segment of this.#segments) segment.closeFiles()
    return {
      topic,
      partition,
      config,
      segments,
      logStartOffset,
      logEndOffset,
      highWatermark,
      recoveryPoint,
      epochs: this.#epochs,
      producers,
    }
  }

  async #loadProducers(names: ReadonlySet<string>, bounds: { logStartOffset: number; logEndOffset: number }): Promise<LogProducers> {
    const { topic, partition, isClean } = this.#options
    const producers = new LogProducers({ name: `${topic}-${partition}`, directory: this.#directory, context: this.#context }, names)
    const recovered = this.#segments.filter((segment) => this.#recovered.has(segment))
    await producers.load({ all: this.#segments, recovered, without: this.#withoutProducers }, bounds, { isClean })
    return producers
  }

  #readEpochs(names: ReadonlySet<string>): LeaderEpochs {
    if (!names.has(EPOCH_CHECKPOINT)) return new LeaderEpochs()
    const path = join(this.#options.path, EPOCH_CHECKPOINT)
    try {
      return new LeaderEpochs(parseEpochs(this.#context.files.disk.readFile(path)))
    } catch (error) {
      throw new Error(`${path} cannot be read: ${(error as Error).message}; restore it, or delete the replica and let it be copied anew`, {
        cause: error,
      })
    }
  }

  async #openSegments(names: ReadonlySet<string>): Promise<void> {
    const { files } = this.#context
    for (const name of names) {
      const [, digits] = /^(\d{20})\.log$/.exec(name) ?? []
      if (digits === undefined) continue
      const baseOffset = Number(digits)
      const stat = files.disk.stat(join(this.#options.path, name))!
      const segment = new Segment(
        { files, directory: this.#directory, baseOffset },
        { sizeBytes: stat.sizeBytes, isNew: false, nowMs: this.#context.clocks.wall.nowMs() },
      )
      this.#segments.push(segment)
      const lacksIndex = ['.index', '.timeindex'].some((suffix) => !names.has(fileName(baseOffset, suffix)))
      if (lacksIndex) await this.#rebuild(segment)
    }
    this.#segments.sort((a, b) => a.baseOffset - b.baseOffset)
  }

  async #rebuild(segment: Segment): Promise<SegmentScan> {
    if (segment.sizeBytes > 0) this.#logger.warn({ segment: segment.log.path }, 'index missing, built again')
    const scan = await this.#scan(segment)
    segment.adoptIndexes(scan)
    return scan
  }

  async #scan(segment: Segment): Promise<SegmentScan> {
    const { pool, files } = this.#context
    const options = {
      baseOffset: segment.baseOffset,
      sizeBytes: segment.sizeBytes,
      indexIntervalBytes: this.#options.config.indexIntervalBytes,
    }
    if (segment.sizeBytes < INLINE_BYTES) return readNow(scanSegment(segment.log, options))
    return pool && files.isShared ? scanInThread(pool, segment.log.path, options) : readLater(scanSegment(segment.log, options))
  }

  /** Gives the log's end. */
  async #recover(): Promise<number | undefined> {
    const from = this.#segments.findLastIndex((segment) => segment.baseOffset <= this.#options.recoveryPoint)
    this.#recoveredFrom = Math.min(this.#options.recoveryPoint, this.#segments[Math.max(0, from)]?.baseOffset ?? 0)
    let end: number | undefined
    for (let i = Math.max(0, from); i < this.#segments.length; i++) {
      const segment = this.#segments[i]!
      if (end !== undefined && this.#endsBefore(segment, end)) {
        for (const later of this.#segments.splice(i)) this.#remove(later)
        break
      }
      const scan = await this.#scan(segment)
      for (const { epoch, startOffset } of scan.epochs) {
        if (epoch > (this.#epochs.latest ?? -1)) this.#epochs.assign(epoch, startOffset)
      }
      end = scan.nextOffset
      this.#recovered.add(segment)
      if (!scan.hasProducers) this.#withoutProducers.add(segment)
      if (scan.problem === undefined) {
        segment.adopt(scan)
        continue
      }
      const { topic, partition } = this.#options
      this.#logger.warn(
        { topic, partition, segment: segment.log.path, endOffset: end, problem: scan.problem },
        'log cut at its first bad batch',
      )
      // The later ones first: a crash in between must not leave them behind a gap.
      for (const later of this.#segments.splice(i + 1)) this.#remove(later)
      segment.adopt(scan)
    }
    return end
  }

  /**
   * After a power loss the name of a new segment may be there while the end of the one before it is not: what follows such a gap would be taken for the log's end. Compaction
   * leaves gaps of its own.
   */
  #endsBefore(segment: Segment, endOffset: number): boolean {
    const { topic, partition, config } = this.#options
    if (segment.baseOffset <= endOffset || isCompacted(config)) return false
    this.#logger.warn({ topic, partition, segment: segment.log.path, endOffset }, 'log cut at a gap between its segments')
    return true
  }

  #remove(segment: Segment): void {
    for (const path of segment.markDeleted()) this.#context.files.disk.remove(path)
  }

  async #bounds(recoveredEnd: number | undefined): Promise<{ logStartOffset: number; logEndOffset: number }> {
    const logStartOffset = Math.max(this.#options.logStartOffset ?? 0, this.#segments[0]?.baseOffset ?? 0)
    const logEndOffset = recoveredEnd ?? (await this.#endOffset())
    if (logEndOffset !== undefined && logEndOffset >= logStartOffset) return { logStartOffset, logEndOffset }
    for (const segment of this.#segments.splice(0)) this.#remove(segment)
    if (logEndOffset !== undefined) {
      const { topic, partition } = this.#options
      this.#logger.warn({ topic, partition, logStartOffset, logEndOffset }, 'log ends before its start offset: begun anew there')
    }
    const { files, clocks } = this.#context
    this.#segments.push(Segment.create({ files, directory: this.#directory, baseOffset: logStartOffset }, clocks.wall.nowMs()))
    return { logStartOffset, logEndOffset: logStartOffset }
  }

  /** Of a log that was stopped cleanly: a few bytes from the index and the file's end; a walk over the last segment where they contradict each other. */
  async #endOffset(): Promise<number | undefined> {
    const active = this.#segments.at(-1)
    if (active === undefined || active.sizeBytes === 0) return active?.baseOffset
    try {
      return readNow(active.nextOffset())
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#logger.warn({ segment: active.log.path, problem: error.message }, 'last segment damaged despite a clean stop, recovered')
      const scan = await this.#scan(active)
      active.adopt(scan)
      active.transactions.truncateTo(scan.nextOffset)
      return scan.nextOffset
    }
  }
}
