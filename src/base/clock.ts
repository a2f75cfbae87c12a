/** Monotonic time: for every timeout, session and lag. A jump of the wall clock does not touch it. */
export interface MonotonicClock {
  /** Milliseconds since an arbitrary start, with a fraction; never goes back. */
  nowMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs `fn` once after `ms` unless cancelled. For timeouts that are mostly cancelled; elsewhere use sleep. Does not keep the process alive. */
  schedule(ms: number, fn: () => void): Timer
}
export interface Timer {
  cancel(): void
}
/** Wall time: for timestamps in records, retention and files; never for a timeout. */
export interface WallClock {
  /** Milliseconds since 1970, an integer. */
  nowMs(): number
}

/** setTimeout fires at once for longer delays. */
const MAX_TIMEOUT_MS = 2_147_483_647

export const monotonicClock: MonotonicClock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal!.reason as Error)
      }
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
        Math.min(ms, MAX_TIMEOUT_MS),
      )
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
  schedule: (ms, fn) => {
    const timer = setTimeout(fn, Math.min(ms, MAX_TIMEOUT_MS))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

export const wallClock: WallClock = { nowMs: () => Date.now() }
