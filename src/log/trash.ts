import type { MonotonicClock, Timer } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'

/**
 * Files and directories that were renamed out of the way and are removed after file.delete.delay.ms: until then readers that hold them go on.
 * What is left at a stop is removed by the next start, which knows them by their names.
 */
export class Trash {
  readonly #disk: Disk
  readonly #clock: MonotonicClock
  readonly #logger: Logger
  readonly #timers = new Set<Timer>()
  #removing = Promise.resolve()

  constructor({ disk, clock, logger }: { disk: Disk; clock: MonotonicClock; logger: Logger }) {
    this.#disk = disk
    this.#clock = clock
    this.#logger = logger
  }

  removeLater(paths: readonly string[], delayMs: number): void {
    const timer = this.#clock.schedule(delayMs, () => {
      this.#timers.delete(timer)
      // One after the other: freeing space keeps a file system busy.
      this.#removing = this.#removing.then(() => this.#remove(paths))
    })
    this.#timers.add(timer)
  }

  async #remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      try {
        await this.#disk.removeInBackground(path)
      } catch (error) {
        this.#logger.warn({ path, err: error }, 'deleted file not removed; the next start tries again')
      }
    }
  }

  /** Resolves when what was being removed is gone; the rest stays for the next start. */
  close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    return this.#removing
  }
}
