import type { Socket } from 'node:net'
import type { MonotonicClock } from '../base/clock.ts'
import type { ResponsePart } from './handler.ts'
import type { Holder, MemoryBudget } from './memory-budget.ts'
import type { RecordsSource } from './records-source.ts'

/** A response's place in the order of its connection; `parts` is set when it is known. */
export type Slot = { parts: readonly ResponsePart[] | undefined }

const SLICE_BYTES = 262_144
/** However many bytes wait for slow readers, a slice of this size is always sent: those who read are not held up by those who do not. */
const MIN_SLICE_BYTES = 32_768
/** Up to here, copying small buffers together costs less than handing each of them to the socket. */
const JOIN_BYTES = 16_384
const YIELD_AFTER_BYTES = 1_048_576
const KEPT_BUFFERS = 4

/** What all outputs of a broker share. */
export class OutputPool {
  readonly budget: MemoryBudget
  readonly clock: MonotonicClock
  readonly #free: Buffer[] = []
  #dirty: ResponseOutput[] = []

  constructor(options: { budget: MemoryBudget; clock: MonotonicClock }) {
    this.budget = options.budget
    this.clock = options.clock
  }

  /** Flushes an output at the end of this turn of the event loop: one write for all responses that became ready in it. */
  flushSoon(output: ResponseOutput): void {
    this.#dirty.push(output)
    if (this.#dirty.length > 1) return
    setImmediate(() => {
      const outputs = this.#dirty
      this.#dirty = []
      for (const output of outputs) output.flush()
    })
  }

  takeBuffer(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLICE_BYTES)
  }

  /** Only a buffer that no socket holds any more. */
  giveBuffer(buffer: Buffer): void {
    if (this.#free.length < KEPT_BUFFERS) this.#free.push(buffer)
  }

  sliceBytes(wantedBytes: number): number {
    const share = (this.budget.limitBytes - this.budget.usedBytes) / 8
    return Math.min(wantedBytes, SLICE_BYTES, Math.max(MIN_SLICE_BYTES, share))
  }
}

/** Whom an output tells that it can take more, or that the connection is of no use any more. */
export interface OutputOwner {
  outputIsFree(): void
  close(reason: string): void
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const isBuffer = (part: ResponsePart): part is Buffer => part instanceof Uint8Array

/** The way out of one connection: responses in the order of their requests, records slice by slice as the socket drains. */
export class ResponseOutput implements Holder {
  readonly #socket: Socket
  readonly #pool: OutputPool
  readonly #owner: OutputOwner
  readonly #slots: Slot[] = []
  #isFlushQueued = false
  #isStreaming = false
  #isEnded = false
  #wake: (() => void) | undefined
  heldBytes = 0
  progressMs = 0

  constructor(socket: Socket, pool: OutputPool, owner: OutputOwner) {
    this.#socket = socket
    this.#pool = pool
    this.#owner = owner
  }

  /** Requests whose responses are not on their way. */
  get openCount(): number {
    return this.#slots.length
  }

  /** The socket has not taken all that it was given. */
  get isBlocked(): boolean {
    return this.heldBytes > 0 || this.#isStreaming
  }

  open(): Slot {
    const slot: Slot = { parts: undefined }
    this.#slots.push(slot)
    return slot
  }

  /** No parts: there is no response. */
  fill(slot: Slot, parts: readonly ResponsePart[]): void {
    slot.parts = parts
    if (this.#isFlushQueued || this.#slots[0]?.parts === undefined) return
    this.#isFlushQueued = true
    this.#pool.flushSoon(this)
  }

  flush(): void {
    this.#isFlushQueued = false
    const ready: Buffer[] = []
    while (!this.isBlocked && !this.#isEnded && this.#slots[0]?.parts) {
      const parts = this.#slots.shift()!.parts!
      if (parts.every(isBuffer)) ready.push(...parts)
      else {
        this.#write(ready.splice(0))
        void this.#stream(parts)
      }
    }
    this.#write(ready)
    if (!this.isBlocked && !this.#isEnded) this.#owner.outputIsFree()
  }

  /** The connection is over. */
  end(): void {
    this.#isEnded = true
    this.#release()
    this.#wake?.()
  }

  resume(): void {
    this.#owner.outputIsFree()
  }

  close(reason: string): void {
    this.#owner.close(reason)
  }

  #write(buffers: readonly Buffer[]): void {
    if (buffers.length === 0 || this.#isEnded) return
    const sizeBytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    if (buffers.length === 1 || sizeBytes <= JOIN_BYTES) {
      this.#socket.write(buffers.length === 1 ? buffers[0]! : Buffer.concat(buffers, sizeBytes), this.#written)
    } else {
      this.#socket.cork()
      buffers.forEach((buffer, index) => this.#socket.write(buffer, index === buffers.length - 1 ? this.#written : undefined))
      this.#socket.uncork()
    }
    if (this.#socket.writableLength > 0) this.#hold(this.#socket.writableLength)
  }

  #hold(bytes: number): void {
    if (this.heldBytes === 0) this.#pool.budget.enter(this)
    this.#pool.budget.add(bytes - this.heldBytes)
    this.heldBytes = bytes
    this.progressMs = this.#pool.clock.nowMs()
  }

  #release(): void {
    if (this.heldBytes === 0) return
    const bytes = this.heldBytes
    this.heldBytes = 0
    this.#pool.budget.leave(this)
    this.#pool.budget.release(bytes)
  }

  /** The socket took a write; often all of it at once, before anything was held. */
  readonly #written = (): void => {
    if (this.heldBytes === 0 || this.#socket.writableLength > 0) return
    this.#release()
    this.#wake?.()
    if (!this.#isStreaming) this.flush()
  }

  async #stream(parts: readonly ResponsePart[]): Promise<void> {
    this.#isStreaming = true
    try {
      let before: Buffer[] = []
      for (const part of parts) {
        if (isBuffer(part)) before.push(part)
        else {
          await this.#sendRecords(part, before)
          before = []
        }
      }
      this.#write(before)
    } catch (error) {
      this.#owner.close(`records of a response cannot be read: ${String(error)}`)
    }
    this.#isStreaming = false
    if (!this.#isEnded) this.#pool.flushSoon(this)
  }

  /** `before` goes out with the first slice. */
  async #sendRecords(source: RecordsSource, before: readonly Buffer[]): Promise<void> {
    let lead = before
    let sinceYield = 0
    for (let position = 0; position < source.sizeBytes && !this.#isEnded;) {
      const buffer = this.#pool.takeBuffer()
      const target = buffer.subarray(0, this.#pool.sliceBytes(source.sizeBytes - position))
      const read = source.readInto(target, position)
      const sizeBytes = typeof read === 'number' ? read : await read
      if (sizeBytes <= 0) throw new Error('they end too early')
      this.#write([...lead, target.subarray(0, sizeBytes)])
      lead = []
      position += sizeBytes
      sinceYield += sizeBytes
      if (this.heldBytes > 0) await this.#drained()
      else {
        this.#pool.giveBuffer(buffer)
        if (sinceYield < YIELD_AFTER_BYTES) continue
        sinceYield = 0
        await nextTurn()
      }
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}
