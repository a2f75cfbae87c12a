import type { JuteWriter } from './jute.ts'

/** A frame that is longer than the limit, or of negative length. */
export class FrameError extends Error {
  readonly lengthBytes: number
  constructor(lengthBytes: number, limitBytes: number) {
    super(`a ZooKeeper packet of ${lengthBytes} bytes; the limit (jute.maxbuffer) is ${limitBytes}`)
    this.name = 'FrameError'
    this.lengthBytes = lengthBytes
  }
}

/** Cuts a stream into frames (int32 length, then the bytes). Holds no more than what came in: a length alone reserves nothing. */
export class FrameReader {
  readonly #limitBytes: number
  #chunks: Buffer[] = []
  #sizeBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#sizeBytes += chunk.length
  }

  /** The next whole frame's content; throws FrameError. */
  next(): Buffer | undefined {
    if (this.#sizeBytes < 4) return undefined
    if (this.#chunks[0]!.length < 4) this.#join()
    const length = this.#chunks[0]!.readInt32BE(0)
    if (length < 0 || length > this.#limitBytes) throw new FrameError(length, this.#limitBytes)
    if (this.#sizeBytes < 4 + length) return undefined
    if (this.#chunks[0]!.length < 4 + length) this.#join()
    const first = this.#chunks[0]!
    this.#drop(4 + length)
    return first.subarray(4, 4 + length)
  }

  /** The first four bytes as a number, before they are known to be a length: four-letter words look like one. */
  peek(): number | undefined {
    if (this.#sizeBytes < 4) return undefined
    if (this.#chunks[0]!.length < 4) this.#join()
    return this.#chunks[0]!.readInt32BE(0)
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)]
  }

  #drop(sizeBytes: number): void {
    const first = this.#chunks[0]!
    if (first.length === sizeBytes) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(sizeBytes)
    this.#sizeBytes -= sizeBytes
  }
}

/** Starts a frame: its length is filled in by `endFrame`. */
export const beginFrame = (to: JuteWriter): JuteWriter => {
  to.int(0)
  return to
}

export const endFrame = (to: JuteWriter): Buffer => {
  const bytes = to.done()
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}
