import type { BrokenPromise, Commit, CommittedOffset, Place, Poll, Send } from './history.ts'

/** Keeps what happens in one run, with its time since the start. */
export class Recorder {
  readonly sends: Send[] = []
  readonly polls: Poll[] = []
  readonly commits: Commit[] = []
  readonly committed: CommittedOffset[] = []
  readonly broken: BrokenPromise[] = []
  readonly notes: { atMs: number; what: string }[] = []
  /** Wall time of the start, to find a moment in the processes' logs. */
  readonly startedMs = Date.now()
  readonly #startMs = performance.now()

  nowMs(): number {
    return performance.now() - this.#startMs
  }
  note(what: string): void {
    this.notes.push({ atMs: this.nowMs(), what })
  }
  brokenPromise(place: Place, who: string, what: string): void {
    this.broken.push({ topic: place.topic, partition: place.partition, atMs: this.nowMs(), who, what })
  }
}
