import type { MonotonicClock } from '../base/clock.ts'
import type { Flushable, Flusher } from './flusher.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { Segments } from './segments.ts'
import type { StorageGuard } from './storage-guard.ts'
import { Shared } from './turns.ts'

type Parts = {
  segments: Segments
  epochs: LeaderEpochs
  guard: StorageGuard
  flusher: Flusher
  clock: MonotonicClock
  logEndOffset: () => number
}

/** What of one log is on the medium: the recovery point, and the way there. Nothing waits for it but flush.messages and whoever calls flush. */
export class Durability implements Flushable {
  /** What is below survives a power loss; recovery begins in the segment that holds it. */
  recoveryPoint: number
  unsyncedBytes = 0
  readonly #parts: Parts
  /** Counts cuts: a flush that began before one says nothing about what was appended after it. */
  #cuts = 0
  #flushedMs: number
  readonly #flushes = new Shared(() => this.#flush())

  constructor(parts: Parts, recoveryPoint: number) {
    this.#parts = parts
    this.recoveryPoint = Math.min(recoveryPoint, parts.logEndOffset())
    this.#flushedMs = parts.clock.nowMs()
  }

  noteWrite(bytes: number): void {
    this.unsyncedBytes += bytes
    this.#parts.flusher.wrote(this, bytes)
  }

  /** How long something waits for the medium; 0 where nothing does. */
  get unflushedMs(): number {
    return this.recoveryPoint < this.#parts.logEndOffset() ? this.#parts.clock.nowMs() - this.#flushedMs : 0
  }

  noteCut(offset: number): void {
    this.#cuts++
    this.recoveryPoint = Math.min(this.recoveryPoint, offset)
  }

  /** In the background. */
  flushSoon(): void {
    this.#parts.flusher.request(this)
  }

  /** Forces everything appended so far to the medium. Calls that come while one runs share the next one. */
  flush(): Promise<void> {
    return this.#flushes.run()
  }

  async #flush(): Promise<void> {
    const { segments, epochs, guard, logEndOffset } = this.#parts
    if (guard.isDeleted) return
    guard.assertUsable()
    const bytes = this.unsyncedBytes
    const upTo = logEndOffset()
    const active = segments.active
    const cuts = this.#cuts
    try {
      await segments.sync(this.recoveryPoint, active)
      // The epochs before the recovery point moves on: recovery finds again only what lies beyond it.
      await segments.writeEpochs(epochs)
      await segments.syncDirectory()
    } catch (cause) {
      if (guard.isDeleted) return
      throw guard.fail('flush', cause)
    } finally {
      this.#settle(bytes)
    }
    this.#flushedMs = this.#parts.clock.nowMs()
    if (cuts !== this.#cuts) return
    // Rolled meanwhile: the indexes of the segment that was active are not on the medium yet, so recovery must still look at it.
    const safe = active === segments.active ? upTo : Math.min(upTo, active.baseOffset)
    this.recoveryPoint = Math.max(this.recoveryPoint, safe)
  }

  #settle(bytes: number): void {
    const settled = Math.min(bytes, this.unsyncedBytes)
    this.unsyncedBytes -= settled
    this.#parts.flusher.synced(this, settled)
  }

  /** The files are gone with their directory: nothing waits for the medium any more. */
  forget(): void {
    this.#settle(this.unsyncedBytes)
  }

  /** Everything on the medium, the active segment's indexes too: what a clean stop promises. */
  async seal(): Promise<void> {
    const { segments, epochs, guard, logEndOffset } = this.#parts
    if (this.recoveryPoint < logEndOffset() || epochs.isDirty || segments.isDirectoryUnsynced || this.#flushes.isRunning) await this.flush()
    try {
      await segments.active.sync(true)
    } catch (cause) {
      throw guard.fail('flush', cause)
    }
    this.recoveryPoint = logEndOffset()
  }
}
