import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Order, ServerOptions } from './orders.ts'

const ENTRY = join(import.meta.dirname, 'server-process.ts')
/** The flag of src/main.ts's first line. */
const NODE_FLAGS = ['--initial-old-space-size=256']
const RESTART_AFTER_MS = 300

/**
 * One server of the cluster: a process that is started again whenever it ends, as a kubelet does, unless something holds it down. Faults that overlap each hold it; it comes back
 * when the last one lets go.
 */
export class Server {
  readonly name: string
  readonly #options: ServerOptions
  readonly #logPath: string
  readonly #onExit: (how: string) => void
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #serves = Promise.withResolvers<void>()
  #isServing = false
  #holds = 0
  #pausedUntilMs = 0
  #isClosed = false
  #isExpected = false

  /** `onExit` hears of ends that nobody ordered. */
  constructor(name: string, options: ServerOptions, logPath: string, onExit: (how: string) => void) {
    this.name = name
    this.#options = options
    this.#logPath = logPath
    this.#onExit = onExit
  }

  get isServing(): boolean {
    return this.#isServing && performance.now() > this.#pausedUntilMs
  }
  get isHeld(): boolean {
    return this.#holds > 0
  }
  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    if (this.#child || this.#holds > 0 || this.#isClosed) return
    const log = openSync(this.#logPath, 'a')
    const child = spawn(process.execPath, [...NODE_FLAGS, ENTRY, JSON.stringify(this.#options)], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    closeSync(log)
    this.#child = child
    this.#isExpected = false
    child.once('message', () => {
      this.#isServing = true
      this.#serves.resolve()
    })
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#child = undefined
        this.#isServing = false
        this.#serves = Promise.withResolvers<void>()
        resolve()
        if (!this.#isExpected && !this.#isClosed) this.#onExit(signal ?? `exit code ${code}`)
        setTimeout(() => this.start(), RESTART_AFTER_MS)
      })
    })
  }

  /** Resolves when it serves, however often it had to be started. */
  async serving(): Promise<void> {
    while (!this.#isServing) {
      // A process that ends first brings another promise.
      await Promise.race([this.#serves.promise, new Promise((resolve) => setTimeout(resolve, 100))])
    }
  }

  /** Down until `release`. */
  hold(): void {
    this.#holds++
  }
  release(): void {
    this.#holds--
    this.start()
  }

  /** Sends the signal and waits for the end; the process comes back unless it is held. */
  async end(signal: 'SIGKILL' | 'SIGTERM', withinMs = 60_000): Promise<void> {
    const child = this.#child
    if (!child) return
    this.#isExpected = true
    child.kill(signal)
    const last = setTimeout(() => {
      this.#onExit(`no end within ${withinMs} ms after ${signal}`)
      child.kill('SIGKILL')
    }, withinMs)
    await this.#exited
    clearTimeout(last)
  }

  /** Stops the process for a time. What wakes it is a process of its own: it does so even when the harness has died. */
  async pause(forMs: number): Promise<void> {
    const pid = this.#child?.pid
    if (pid === undefined) return
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + forMs)
    const script = 'kill -STOP "$0" && sleep "$1"; kill -CONT "$0"'
    const waker = spawn('/bin/sh', ['-c', script, String(pid), String(forMs / 1000)], { stdio: 'ignore', detached: true })
    await new Promise((resolve) => waker.once('exit', resolve))
  }

  order(order: Order): void {
    const child = this.#child
    if (!child?.connected) return
    if (order.kind === 'power-loss') this.#isExpected = true
    child.send(order, () => {})
  }

  /** Resolves when the process that runs now has ended. */
  get exited(): Promise<void> {
    return this.#exited
  }

  /** For good. */
  async close(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#isClosed = true
    await this.end(signal)
  }
}
