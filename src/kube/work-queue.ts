import { Backoff } from '../base/backoff.ts'
import type { MonotonicClock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { KubeError } from './error.ts'
import { Histogram } from './histogram.ts'
import { keyText, parseKey, type Key, type Result } from './types.ts'

export type WorkQueueOptions = {
  name: string
  /** Brings one object to its spec. A throw means: again after a backoff. The signal aborts at the deadline and when the queue stops. */
  work: (key: Key, signal: AbortSignal) => Promise<Result>
  clock: MonotonicClock
  logger: Logger
  concurrency?: number
  baseMs?: number
  maxMs?: number
  /** One run that takes longer is given up and counts as failed. */
  deadlineMs?: number
  random?: () => number
}

/** Why the signal of a run was aborted that took too long. */
export class DeadlineError extends Error {
  readonly deadlineMs: number

  constructor(deadlineMs: number) {
    super(`not done within ${deadlineMs} ms`)
    this.deadlineMs = deadlineMs
  }
}

/**
 * Since the start. `runs` end as `successes` or `failures`; `timeouts` are runs that were not done at the deadline; `locked` are changes that came while the
 * object was worked on; `periodical` are runs that nothing but time began.
 */
export type WorkCounters = {
  runs: number
  successes: number
  failures: number
  timeouts: number
  locked: number
  periodical: number
}

type Item = { state: 'waiting' | 'queued' | 'running' | 'running-again'; backoff: Backoff | undefined; timer: Timer | undefined }

/**
 * Names of objects that want a look. A name is in it at most once; one that is added while its work runs is worked on once more afterwards. So it never
 * holds more than there are objects, the work of one object never overlaps with itself, and one that always fails waits longer and longer without delaying others.
 */
export class WorkQueue {
  readonly counters: WorkCounters = { runs: 0, successes: 0, failures: 0, timeouts: 0, locked: 0, periodical: 0 }
  readonly durations = new Histogram()
  readonly #options: WorkQueueOptions
  readonly #items = new Map<string, Item>()
  readonly #ready: string[] = []
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #ends = new Set<AbortController>()
  readonly #startedMs = new Map<string, number>()
  #isStarted = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#items.size
  }

  /** How long the oldest run under way has taken. */
  oldestRunMs(): number {
    const first = Math.min(...this.#startedMs.values())
    return Number.isFinite(first) ? this.#options.clock.nowMs() - first : 0
  }

  /** The runs under way, and how long each has taken. */
  running(): { key: Key; ageMs: number }[] {
    const nowMs = this.#options.clock.nowMs()
    return [...this.#startedMs].map(([text, startedMs]) => ({ key: parseKey(text), ageMs: nowMs - startedMs }))
  }

  /** Nothing runs before this. */
  start(): void {
    this.#isStarted = true
    this.#pump()
  }

  add(key: Key): void {
    const text = keyText(key)
    const item = this.#items.get(text)
    if (!item) this.#items.set(text, { state: 'queued', backoff: undefined, timer: undefined })
    else if (item.state === 'waiting') {
      item.timer?.cancel()
      item.state = 'queued'
    } else {
      if (item.state === 'running') {
        item.state = 'running-again'
        this.counters.locked++
      }
      return
    }
    this.#ready.push(text)
    this.#pump()
  }

  /** Takes no more, and waits for what runs. */
  async stop(): Promise<void> {
    const reason = new Error('the queue was stopped')
    this.#stop.abort(reason)
    for (const end of this.#ends) end.abort(reason)
    for (const item of this.#items.values()) item.timer?.cancel()
    await Promise.allSettled(this.#running)
  }

  #pump(): void {
    const concurrency = this.#options.concurrency ?? 10
    while (this.#isStarted && !this.#stop.signal.aborted && this.#running.size < concurrency) {
      const text = this.#ready.shift()
      if (text === undefined) return
      const run: Promise<void> = this.#run(text).finally(() => {
        this.#running.delete(run)
        this.#pump()
      })
      this.#running.add(run)
    }
  }

  async #run(text: string): Promise<void> {
    const { logger, name, clock, deadlineMs = 60_000 } = this.#options
    const item = this.#items.get(text)!
    item.state = 'running'
    this.counters.runs++
    this.#startedMs.set(text, clock.nowMs())
    // Not AbortSignal.any: a signal that depends on one which lives as long as the process is kept, with all that listens to it, for as long.
    const end = new AbortController()
    this.#ends.add(end)
    let isLate = false
    const timer = clock.schedule(deadlineMs, () => {
      isLate = true
      end.abort(new DeadlineError(deadlineMs))
    })
    const { signal } = end
    const work = this.#call(text, signal)
    const ended = work.then(
      (result) => this.#succeed(text, item, result),
      (error: unknown) => this.#fail(text, item, error),
    )
    // At the deadline the place is free for another name; this one comes back when its work has really ended, so it never overlaps with itself.
    const gaveUp = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([ended, gaveUp])
    timer.cancel()
    this.#ends.delete(end)
    if (!isLate) return
    this.counters.timeouts++
    logger.error({ queue: name, key: text, deadlineMs }, 'a run takes longer than it may')
  }

  async #call(text: string, signal: AbortSignal): Promise<Result> {
    return this.#options.work(parseKey(text), signal)
  }

  #succeed(text: string, item: Item, result: Result): void {
    this.counters.successes++
    item.backoff = undefined
    this.#settle(text, item, result.requeueAfterMs)
  }

  #fail(text: string, item: Item, error: unknown): void {
    const { logger, name, baseMs = 500, maxMs = 60_000, random } = this.#options
    this.counters.failures++
    item.backoff ??= new Backoff({ baseMs, maxMs, random })
    // A server that is overloaded says when it may be asked again.
    const askedMs = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0
    const againMs = Math.max(item.backoff.nextMs(), Math.min(askedMs, maxMs))
    if (!this.#stop.signal.aborted) logger.warn({ queue: name, key: text, err: error, againMs: Math.round(againMs) }, 'failed, tries again')
    this.#settle(text, item, againMs)
  }

  /** Where an add came in between, it runs at once unless the last run failed; then it waits as it would have. */
  #settle(text: string, item: Item, againMs: number | undefined): void {
    const nowMs = this.#options.clock.nowMs()
    this.durations.add((nowMs - (this.#startedMs.get(text) ?? nowMs)) / 1000, nowMs)
    this.#startedMs.delete(text)
    if (this.#stop.signal.aborted) return
    const isAgain = (item.state as Item['state']) === 'running-again'
    if (isAgain && item.backoff === undefined) {
      item.state = 'queued'
      this.#ready.push(text)
      this.#pump()
    } else if (againMs !== undefined) {
      item.state = 'waiting'
      item.timer = this.#options.clock.schedule(againMs, () => {
        item.state = 'queued'
        if (item.backoff === undefined) this.counters.periodical++
        this.#ready.push(text)
        this.#pump()
      })
    } else this.#items.delete(text)
  }
}
