/**
 * Jute, ZooKeeper's encoding: big-endian numbers, strings and buffers with an int32 length (-1 = null), vectors with an int32 count (-1 = null).
 * Nothing here believes a length before that many bytes are there.
 */
export class JuteReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  #advance(sizeBytes: number): number {
    if (sizeBytes > this.remaining) throw new JuteError(`needs ${sizeBytes} bytes at ${this.#at}, has ${this.remaining}`)
    const at = this.#at
    this.#at += sizeBytes
    return at
  }

  boolean(): boolean {
    return this.#bytes[this.#advance(1)] !== 0
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#advance(4))
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8))
  }

  /** A slice of the frame's memory: copy what you keep. */
  buffer(): Buffer | null {
    const length = this.int()
    if (length === -1) return null
    if (length < 0) throw new JuteError(`length ${length}`)
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** null reads as the empty string. */
  string(): string {
    return this.buffer()?.toString('utf8') ?? ''
  }

  /** How many elements follow; each takes at least `elementBytes`. */
  count(elementBytes: number): number {
    const count = this.int()
    if (count < -1 || count * elementBytes > this.remaining) throw new JuteError(`a vector of ${count} in ${this.remaining} bytes`)
    return Math.max(count, 0)
  }
}

/** Bytes that are no message of the protocol. */
export class JuteError extends Error {
  constructor(reason: string) {
    super(`malformed ZooKeeper message: ${reason}`)
    this.name = 'JuteError'
  }
}

const FIRST_BYTES = 256

export class JuteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #at = 0

  #advance(sizeBytes: number): number {
    const at = this.#at
    this.#at += sizeBytes
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#at, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }

  boolean(value: boolean): void {
    const at = this.#advance(1)
    this.#bytes[at] = value ? 1 : 0
  }

  int(value: number): void {
    const at = this.#advance(4)
    this.#bytes.writeInt32BE(value, at)
  }

  long(value: bigint): void {
    const at = this.#advance(8)
    this.#bytes.writeBigInt64BE(value, at)
  }

  buffer(value: Uint8Array | null): void {
    if (value === null) return this.int(-1)
    this.int(value.length)
    const at = this.#advance(value.length)
    this.#bytes.set(value, at)
  }

  string(value: string): void {
    const length = Buffer.byteLength(value)
    this.int(length)
    const at = this.#advance(length)
    this.#bytes.write(value, at, 'utf8')
  }

  get sizeBytes(): number {
    return this.#at
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }
}

/** One type of the protocol, in both directions. */
export interface Codec<T> {
  read(from: JuteReader): T
  write(to: JuteWriter, value: T): void
}

type Shape = Record<string, Codec<unknown>>
type Fields<S extends Shape> = { [K in keyof S]: S[K] extends Codec<infer T> ? T : never }

export const boolean: Codec<boolean> = { read: (from) => from.boolean(), write: (to, value) => to.boolean(value) }
export const int: Codec<number> = { read: (from) => from.int(), write: (to, value) => to.int(value) }
export const long: Codec<bigint> = { read: (from) => from.long(), write: (to, value) => to.long(value) }
/** Wall milliseconds. */
export const time: Codec<number> = { read: (from) => Number(from.long()), write: (to, value) => to.long(BigInt(value)) }
export const buffer: Codec<Buffer | null> = { read: (from) => from.buffer(), write: (to, value) => to.buffer(value) }
export const ustring: Codec<string> = { read: (from) => from.string(), write: (to, value) => to.string(value) }
export const nothing: Codec<void> = { read: () => {}, write: () => {} }

export const vector = <T>(element: Codec<T>): Codec<readonly T[]> => ({
  read: (from) => {
    const values: T[] = []
    for (let left = from.count(4); left > 0; left--) values.push(element.read(from))
    return values
  },
  write: (to, values) => {
    to.int(values.length)
    for (const value of values) element.write(to, value)
  },
})

/** Fields one after the other, in the order of the shape. */
export const record = <S extends Shape>(shape: S): Codec<Fields<S>> => {
  const fields = Object.entries(shape)
  return {
    read: (from) => {
      const value: Record<string, unknown> = {}
      for (const [name, codec] of fields) value[name] = codec.read(from)
      return value as Fields<S>
    },
    write: (to, value) => {
      for (const [name, codec] of fields) codec.write(to, value[name])
    },
  }
}
