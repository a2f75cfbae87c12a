import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { MonotonicClock } from '../base/clock.ts'

/** By the first time the first look at everything is done. */
const FIRST_MS = 30_000
const EVERY_MS = 600_000
/** Less is not worth a pause of some tenths of a second. */
const GROWN_BYTES = 32 * 1024 * 1024

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

/** One full collection of garbage, after which the memory is given back to the system. */
export const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as Collect | undefined
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/**
 * Gives back what reading everything at the start, or a burst of changes, left behind, when nothing is being worked on. V8 does not by itself: the heap may grow to
 * its initial size (256 MB, for brokers: see the first line of src/main.ts) before its first full collection, and one that has grown stays so.
 */
export const keepMemorySmall = async (options: { clock: MonotonicClock; signal: AbortSignal; isIdle: () => boolean }): Promise<void> => {
  const { clock, signal, isIdle } = options
  let afterBytes = 0
  let waitMs = FIRST_MS
  for (;;) {
    const isStopped = await clock.sleep(waitMs, signal).then(
      () => false,
      () => true,
    )
    if (isStopped) return
    waitMs = isIdle() ? EVERY_MS : FIRST_MS
    if (!isIdle() || process.memoryUsage.rss() - afterBytes < GROWN_BYTES) continue
    collectGarbage()
    afterBytes = process.memoryUsage.rss()
  }
}
