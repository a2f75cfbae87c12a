import type { MonotonicClock, Timer, WallClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { ServingGuard } from '../ports.ts'

export type PauseGuardOptions = {
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  /** What ZooKeeper granted. */
  sessionTimeoutMs: () => number
  /** How long ZooKeeper has confirmed nothing, in monotonic ms; below the time-out the session certainly lives. */
  silentMs: () => number
  /** Resolves when ZooKeeper has answered something that was sent after this call, and whatever followed from the answer is done. */
  confirm: () => Promise<void>
}

/** Shares of the session's time-out. Pings go out at a third of it, so a pause below a half cannot by itself end a session: 1/3 + 1/2 < 1. */
const TICKS = 6
const PAUSE = 1 / 2

/**
 * Notices that this process did not run (SIGSTOP, a suspended machine) or did not come round (a blocked event loop) for so long that its session may be over and
 * others may have taken over. Requests then wait until ZooKeeper has been heard again. The event loop reads from sockets before it runs a timer that is due, so
 * a timer alone would come too late: each request is compared with the last tick, too.
 * While ZooKeeper could not be reached before the pause either, there is nothing to wait for: leaders then serve on, as Kafka's do.
 */
export class PauseGuard implements ServingGuard {
  readonly #options: PauseGuardOptions
  /** A request after this finds a process that has not ticked. */
  #suspectFromMs = Number.POSITIVE_INFINITY
  #held: Promise<void> | undefined
  #tick = { monotonicMs: 0, wallMs: 0 }
  #timer: Timer | undefined

  constructor(options: PauseGuardOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer?.cancel()
    this.#remember()
    this.#schedule()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#suspectFromMs = Number.POSITIVE_INFINITY
  }

  /** undefined: serve. Else the request waits. `nowMs` is monotonic. */
  check(nowMs: number): Promise<void> | undefined {
    if (nowMs > this.#suspectFromMs) this.#look()
    return this.#held
  }

  #schedule(): void {
    this.#timer = this.#options.clocks.monotonic.schedule(this.#options.sessionTimeoutMs() / TICKS, () => {
      this.#look()
      this.#schedule()
    })
  }

  #remember(): void {
    const { monotonic, wall } = this.#options.clocks
    this.#tick = { monotonicMs: monotonic.nowMs(), wallMs: wall.nowMs() }
    this.#suspectFromMs = this.#tick.monotonicMs + this.#options.sessionTimeoutMs() * PAUSE
  }

  /**
   * Within its time-out the session certainly lives, and what was silent for longer before the pause is no matter of the pause. The monotonic clock stands still
   * while a machine is suspended; the wall clock shows that. That it may have been set instead costs one question.
   */
  #look(): void {
    const { clocks, sessionTimeoutMs, silentMs } = this.#options
    const awayMs = clocks.monotonic.nowMs() - this.#tick.monotonicMs
    const wallMs = clocks.wall.nowMs() - this.#tick.wallMs
    this.#remember()
    const timeoutMs = sessionTimeoutMs()
    const isPause = awayMs > timeoutMs * PAUSE && silentMs() > timeoutMs && silentMs() - awayMs <= timeoutMs
    const isSuspension = wallMs - awayMs > timeoutMs * PAUSE
    if (this.#held || !(isPause || isSuspension)) return
    this.#options.logger.warn(
      { awayMs: Math.round(awayMs), wallMs },
      'this process did not run for a while: requests wait until ZooKeeper is heard again',
    )
    this.#held = this.#hold()
  }

  async #hold(): Promise<void> {
    await this.#options.confirm()
    this.#held = undefined
  }
}
