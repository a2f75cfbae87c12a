import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { MonotonicClock } from '../base/clock.ts'
import type { ResponsePart, RecordsSource } from './fetch/records-source.ts'
import type { Holder, MemoryBudget } from './memory-budget.ts'

/** A response's place in the order of its connection; `parts` is set when it is known. */
export type Slot = { parts: readonly ResponsePart[] | undefined }

const SLICE_BYTES = 262_144
/**
 * So much of a connection is not counted, and a slice of this size is always sent: however many bytes wait for slow readers, those who read are not held up.
 */
const UNCOUNTED_BYTES = 32_768
/** Up to here, copying small buffers together costs less than handing each of them to the socket. */
const JOIN_BYTES = 16_384
/** Slices sent in one turn of the event loop; with so many streams that want more, requests are still handled between them. */
const SLICES_PER_TURN = 8
const KEPT_BUFFERS = 4

/** What all outputs of a broker share. */
export class OutputPool {
  readonly budget: MemoryBudget
  readonly clock: MonotonicClock
  readonly #free: Buffer[] = []
  #dirty: ResponseOutput[] = []
  #nextStreams: (() => void)[] = []

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

  /** Whether other streams wait for their turn. */
  get isBusy(): boolean {
    return this.#nextStreams.length > 0
  }

  /** Resolves when it is this stream's turn. */
  nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#nextStreams.push(resolve)
      if (this.#nextStreams.length === 1) setImmediate(() => this.#runStreams())
    })
  }

  #runStreams(): void {
    for (const resolve of this.#nextStreams.splice(0, SLICES_PER_TURN)) resolve()
    if (this.#nextStreams.length > 0) setImmediate(() => this.#runStreams())
  }

  takeBuffer(sizeBytes: number): Buffer {
    if (sizeBytes <= UNCOUNTED_BYTES) return Buffer.allocUnsafeSlow(sizeBytes)
    return (this.#free.pop() ?? Buffer.allocUnsafeSlow(SLICE_BYTES)).subarray(0, sizeBytes)
  }

  /** Only a buffer that no socket holds any more. */
  giveBuffer(buffer: Buffer): void {
    const whole = buffer.buffer.byteLength === SLICE_BYTES
    if (whole && this.#free.length < KEPT_BUFFERS) this.#free.push(Buffer.from(buffer.buffer as ArrayBuffer))
  }

  sliceBytes(wantedBytes: number): number {
    // Slices never take more than half, and so never keep other responses waiting.
    const share = Math.floor((this.budget.limitBytes / 2 - this.budget.usedBytes) / 8)
    return Math.min(wantedBytes, SLICE_BYTES, Math.max(UNCOUNTED_BYTES, share))
  }
}

/** Whom an output tells that it can take more, or that the connection is of no use any more. */
export interface OutputOwner {
  outputIsFree(): void
  close(reason: string): void
}

const isBuffer = (part: ResponsePart): part is Buffer => part instanceof Uint8Array

/** The way out of one connection: responses in the order of their requests, records slice by slice as the socket drains. */
export class ResponseOutput implements Holder {
  readonly #socket: Socket
  readonly #pool: OutputPool
  readonly #owner: OutputOwner
  /** What the socket may still have to send without being taken for a slow one. */
  readonly #slackBytes: number
  readonly #slots: Slot[] = []
  #isFlushQueued = false
  #isStreaming = false
  #isEnded = false
  #wake: (() => void) | undefined
  #isWaiting = false
  heldBytes = 0
  progressMs = 0

  constructor(socket: Socket, pool: OutputPool, owner: OutputOwner) {
    this.#socket = socket
    this.#pool = pool
    this.#owner = owner
    // TLS says of each write only in the next turn of the event loop that it is done.
    this.#slackBytes = socket instanceof TLSSocket ? UNCOUNTED_BYTES : 0
  }

  /** Requests whose responses are not on their way. */
  get openCount(): number {
    return this.#slots.length
  }

  /** The socket has not taken all that it was given. */
  get isBlocked(): boolean {
    return this.#isWaiting || this.#isStreaming
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
        const before = ready.splice(0)
        if (!this.#sendAtOnce(parts, before)) {
          this.#write(before)
          void this.#stream(parts)
        }
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

  /** The socket holds none of the bytes that it was given. */
  get #isTaken(): boolean {
    return !this.#isEnded && this.#socket.writableLength === 0
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
    if (this.#socket.writableLength > this.#slackBytes) this.#wait(this.#socket.writableLength)
  }

  /** The socket has not taken `bytes` of what it was given. */
  #wait(bytes: number): void {
    this.#isWaiting = true
    const heldBytes = Math.max(0, bytes - UNCOUNTED_BYTES)
    if (this.heldBytes === 0 && heldBytes > 0) this.#pool.budget.enter(this)
    this.#pool.budget.add(heldBytes - this.heldBytes)
    this.heldBytes = heldBytes
    this.progressMs = this.#pool.clock.nowMs()
  }

  #release(): void {
    this.#isWaiting = false
    const bytes = this.heldBytes
    this.heldBytes = 0
    this.#pool.budget.leave(this)
    if (bytes > 0) this.#pool.budget.release(bytes)
  }

  /** The socket took a write; often all of it at once, before there was anything to wait for. */
  readonly #written = (): void => {
    if (!this.#isWaiting || this.#socket.writableLength > this.#slackBytes) return
    this.#release()
    this.#wake?.()
    if (!this.#isStreaming) this.flush()
  }

  /** Few records that are in memory or in the page cache go out in this turn, `before` with them. false: nothing was done. */
  #sendAtOnce(parts: readonly ResponsePart[], before: readonly Buffer[]): boolean {
    const sources = parts.filter((part): part is RecordsSource => !isBuffer(part))
    const sizeBytes = sources.reduce((sum, source) => sum + source.sizeBytes, 0)
    const isPossible = !this.#pool.isBusy && sizeBytes <= this.#pool.sliceBytes(sizeBytes) && sources.every(({ isAtHand }) => isAtHand)
    if (!isPossible) return false
    const memory = this.#pool.takeBuffer(sizeBytes)
    try {
      let filled = 0
      const buffers = parts.map((part) => {
        if (isBuffer(part)) return part
        const target = memory.subarray(filled, (filled += part.sizeBytes))
        if (part.readInto(target, 0) !== target.length) throw new Error('they end too early')
        return target
      })
      this.#write([...before, ...buffers])
      if (this.#isTaken) this.#pool.giveBuffer(memory)
    } catch (error) {
      this.#owner.close(`records of a response cannot be read: ${String(error)}`)
    }
    return true
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
    let slicesInTurn = 0
    for (let position = 0; position < source.sizeBytes && !this.#isEnded;) {
      if (this.#pool.isBusy || slicesInTurn === SLICES_PER_TURN) {
        await this.#pool.nextTurn()
        slicesInTurn = 0
      }
      slicesInTurn++
      const slice = this.#pool.takeBuffer(this.#pool.sliceBytes(source.sizeBytes - position))
      const read = source.readInto(slice, position)
      const sizeBytes = typeof read === 'number' ? read : await read
      if (sizeBytes <= 0) throw new Error('they end too early')
      this.#write([...lead, slice.subarray(0, sizeBytes)])
      lead = []
      position += sizeBytes
      if (this.#isWaiting) await this.#drained()
      if (this.#isTaken) this.#pool.giveBuffer(slice)
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
