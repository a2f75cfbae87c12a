export type EpochEntry = { epoch: number; startOffset: number }

/**
 * Which leader epoch wrote which offsets, in memory; the file `leader-epoch-checkpoint` follows when the log asks for `changed`.
 * Entries ascend by epoch and by start offset. A follower cuts its log by these, so the rules are exactly those of Kafka's LeaderEpochFileCache (2.6).
 */
export class LeaderEpochs {
  #entries: EpochEntry[]
  /** True while the file is older than this object. */
  isDirty = false

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries]
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }
  get latest(): number | undefined {
    return this.#entries.at(-1)?.epoch
  }
  get earliest(): EpochEntry | undefined {
    return this.#entries[0]
  }

  /** The newest statement wins: entries that contradict it (a later epoch or a later start) go. */
  assign(epoch: number, startOffset: number): void {
    const last = this.#entries.at(-1)
    if (last && last.epoch === epoch && startOffset >= last.startOffset) return
    if (!last || (last.epoch < epoch && last.startOffset < startOffset)) this.#entries.push({ epoch, startOffset })
    else {
      const kept = this.#entries.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset)
      this.#entries = [...kept, { epoch, startOffset }]
    }
    this.isDirty = true
  }

  /**
   * Where `epoch` ended: the largest epoch not above it and the start of the next one; for the latest epoch the log's end.
   * undefined for an epoch beyond the latest, and for -1.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } | undefined {
    if (epoch < 0) return undefined
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset }
    const next = this.#entries.findIndex((entry) => entry.epoch > epoch)
    if (next < 0) return undefined
    return { epoch: this.#entries[next - 1]?.epoch ?? epoch, endOffset: this.#entries[next]!.startOffset }
  }

  /** The epoch that wrote `offset`, if known. */
  epochOf(offset: number): number | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch
  }

  /** After the log was cut to `endOffset`. */
  truncateFromEnd(endOffset: number): void {
    const last = this.#entries.at(-1)
    if (!last || last.startOffset < endOffset) return
    this.#replace(this.#entries.filter((entry) => entry.startOffset < endOffset))
  }

  /** After the log's start moved to `startOffset`: the epoch that covers it begins there. */
  truncateFromStart(startOffset: number): void {
    const covering = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    if (covering < 0 || (covering === 0 && this.#entries[0]!.startOffset === startOffset)) return
    this.#replace([{ epoch: this.#entries[covering]!.epoch, startOffset }, ...this.#entries.slice(covering + 1)])
  }

  clear(): void {
    if (this.#entries.length > 0) this.#replace([])
  }

  #replace(entries: EpochEntry[]): void {
    this.#entries = entries
    this.isDirty = true
  }
}
