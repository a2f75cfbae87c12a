import { Worker, type Transferable } from 'node:worker_threads'

export type Task = { moduleUrl: string; exportName: string; input: unknown }
export type Answer =
  | { ok: true; value: unknown; transfer: readonly Transferable[] }
  | { ok: false; name: string; message: string; stack: string; properties: Record<string, unknown> }

/** A task returns this to hand over the memory of its result (ArrayBuffers, ports) instead of copying it. */
export class Transferred<T> {
  readonly value: T
  readonly transfer: readonly Transferable[]

  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

/** A Buffer arrives from a thread as a Uint8Array: the same memory as a Buffer again. */
export const bufferOver = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The URL of the module `name` (without extension) beside `importerUrl`, with the importer's extension: .ts from source, .js in the package. */
export const siblingModule = (name: string, importerUrl: string): string =>
  new URL(`${name}${importerUrl.endsWith('.ts') ? '.ts' : '.js'}`, importerUrl).href

type Job = { task: Task; transfer: readonly Transferable[]; resolve(value: unknown): void; reject(error: Error): void }

const MAIN = siblingModule('./worker-main', import.meta.url)

/**
 * Threads for work that must not stop the event loop: recovery, (de)compression, cold reads, fsync. A thread is started when a task finds none free, takes
 * one task at a time and keeps the process alive only while it has one.
 */
export class WorkerPool {
  readonly #size: number
  readonly #maxQueued: number
  readonly #idle: Worker[] = []
  readonly #running = new Map<Worker, Job>()
  readonly #queue: Job[] = []
  #closed: Promise<void> | undefined
  #drained: (() => void) | undefined

  /** `size` threads at most; `maxQueued` tasks may wait for one, further ones are refused. */
  constructor(options: { size: number; maxQueued?: number }) {
    this.#size = options.size
    this.#maxQueued = options.maxQueued ?? 16_384
  }

  /** Tasks that wait for a thread. */
  get queued(): number {
    return this.#queue.length
  }

  /** Threads that exist. */
  get threads(): number {
    return this.#idle.length + this.#running.size
  }

  /**
   * Calls `exportName` of the module at `moduleUrl` (usually the caller's own import.meta.url, or `siblingModule`) with `input` in a thread, and gives what
   * it returns or resolves to. Input and output are cloned: a Buffer arrives as a Uint8Array, and a view takes all of the memory under it along, so pass an
   * exact copy or list its ArrayBuffer in `transfer`. An error keeps its name, message and own properties, not its class.
   * Rejects when the queue is full, the pool is closed, or the thread dies.
   */
  run<Output>(moduleUrl: string | URL, exportName: string, input: unknown, transfer: readonly Transferable[] = []): Promise<Output> {
    if (this.#closed) return Promise.reject(new Error('the worker pool is closed'))
    if (this.#queue.length >= this.#maxQueued)
      return Promise.reject(new Error(`the worker pool has ${this.#maxQueued} tasks waiting, its limit`))
    return new Promise<Output>((resolve, reject) => {
      const task = { moduleUrl: String(moduleUrl), exportName, input }
      this.#queue.push({ task, transfer, resolve: resolve as (value: unknown) => void, reject })
      this.#dispatch()
    })
  }

  /** Refuses what waits, lets running tasks end, ends the threads. */
  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    for (const job of this.#queue.splice(0)) job.reject(new Error('the worker pool is closed'))
    if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
    await Promise.all(this.#idle.splice(0).map((worker) => worker.terminate()))
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? (this.#running.size < this.#size ? this.#start() : undefined)
      if (!worker) return
      this.#give(worker, this.#queue.shift()!)
    }
  }

  #give(worker: Worker, job: Job): void {
    this.#running.set(worker, job)
    worker.ref()
    try {
      worker.postMessage(job.task, job.transfer)
    } catch (error) {
      this.#release(worker)
      job.reject(error as Error)
    }
  }

  #start(): Worker {
    // Flags of this process (an -e script, an inspector) are not for its threads.
    const worker = new Worker(new URL(MAIN), { execArgv: [] })
    worker.on('message', (answer: Answer) => {
      const job = this.#release(worker)
      if (answer.ok) job?.resolve(answer.value)
      else job?.reject(revive(answer))
      this.#dispatch()
    })
    worker.on('error', (error) => this.#lose(worker, error))
    worker.on('exit', (code) => this.#lose(worker, new Error(`it exited with ${code}`)))
    return worker
  }

  #release(worker: Worker): Job | undefined {
    const job = this.#running.get(worker)
    this.#running.delete(worker)
    worker.unref()
    this.#idle.push(worker)
    this.#noteDrained()
    return job
  }

  /** A dead thread fails its own task only; the next task starts another one. */
  #lose(worker: Worker, cause: Error): void {
    const job = this.#running.get(worker)
    this.#running.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
    job?.reject(new Error(`the worker thread of ${job.task.exportName} died: ${cause.message}`, { cause }))
    this.#noteDrained()
    this.#dispatch()
  }

  #noteDrained(): void {
    if (this.#running.size === 0) this.#drained?.()
  }
}

const revive = (answer: Answer & { ok: false }): Error => {
  const error = new Error(answer.message)
  Object.assign(error, answer.properties)
  Object.defineProperty(error, 'name', { value: answer.name, configurable: true })
  Object.defineProperty(error, 'stack', { value: answer.stack, configurable: true })
  return error
}
