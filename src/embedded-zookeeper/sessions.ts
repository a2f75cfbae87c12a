import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { MonotonicClock, Timer, WallClock } from '../base/clock.ts'
import { PASSWORD_BYTES } from '../zookeeper/protocol.ts'
import type { ZooKeeperState } from './state.ts'

/** When this process was stalled for so long, what the clients sent meanwhile is read before anyone is given up. */
const LATE_MS = 50

type Options = { state: ZooKeeperState; monotonic: MonotonicClock; wall: WallClock; serverId: number; expire: (sessionId: bigint) => void }

/** When each session ends unless it is heard of. Exact, by the monotonic clock; a restarted server gives every session its whole time-out again. */
export class SessionTimes {
  readonly #options: Options
  readonly #expiresAtMs = new Map<bigint, number>()
  #timer: Timer | undefined
  #dueMs = Infinity
  #isStopped = false

  constructor(options: Options) {
    this.#options = options
    for (const sessionId of options.state.sessions.keys()) this.touch(sessionId)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /** Unique for ever: above every id given before, the server's id in the first byte, the time after it (SessionTrackerImpl). */
  nextId(): { sessionId: bigint; password: Buffer } {
    const time = ((BigInt(this.#options.wall.nowMs()) << 24n) & 0xffff_ffff_ffff_ffffn) >> 8n
    const fresh = BigInt.asIntN(64, time | (BigInt(this.#options.serverId) << 56n))
    const last = this.#options.state.lastSessionId
    return { sessionId: fresh > last ? fresh : last + 1n, password: randomBytes(PASSWORD_BYTES) }
  }

  isPassword(sessionId: bigint, password: Buffer | null): boolean {
    const known = this.#options.state.sessions.get(sessionId)?.password
    return known !== undefined && password?.length === known.length && timingSafeEqual(known, password)
  }

  isOpen(sessionId: bigint): boolean {
    return this.#options.state.sessions.has(sessionId)
  }

  touch(sessionId: bigint): void {
    const session = this.#options.state.sessions.get(sessionId)
    if (!session) return
    const atMs = this.#options.monotonic.nowMs() + session.timeoutMs
    this.#expiresAtMs.set(sessionId, atMs)
    if (atMs < this.#dueMs) this.#wakeAt(atMs)
  }

  forget(sessionId: bigint): void {
    this.#expiresAtMs.delete(sessionId)
  }

  #wakeAt(atMs: number): void {
    if (this.#isStopped) return
    this.#timer?.cancel()
    this.#dueMs = atMs
    this.#timer = this.#options.monotonic.schedule(Math.max(0, atMs - this.#options.monotonic.nowMs()), () => this.#wake())
  }

  #wake(): void {
    const nowMs = this.#options.monotonic.nowMs()
    if (nowMs - this.#dueMs > LATE_MS) return this.#wakeAt(nowMs + 1)
    let nextMs = Infinity
    for (const [sessionId, atMs] of this.#expiresAtMs) {
      if (atMs > nowMs) {
        nextMs = Math.min(nextMs, atMs)
        continue
      }
      this.#expiresAtMs.delete(sessionId)
      this.#options.expire(sessionId)
    }
    this.#dueMs = Infinity
    if (nextMs !== Infinity) this.#wakeAt(nextMs)
  }
}
