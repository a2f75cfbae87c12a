const LENGTH_BYTES = 4
const FIRST_BUFFER_BYTES = 4096
const NOTHING = Buffer.alloc(0)

/** The length in front of a frame is one that cannot be. */
export class FrameError extends Error {}

/**
 * Cuts the bytes of a connection into frames of a 4-byte length and that many bytes. A frame within one chunk is a view of it; one that spans chunks is
 * gathered in a buffer that grows with the bytes received, whatever length was announced.
 */
export class FrameReader {
  #chunk: Buffer = NOTHING
  #at = 0
  /** The frame that is being gathered, its first #filled bytes received; undefined between frames. */
  #frame: Buffer | undefined
  #filled = 0
  #sizeBytes = 0

  /** Bytes received and not yet given out. */
  get heldBytes(): number {
    return this.#filled + this.#chunk.length - this.#at
  }

  /** Whether the rest of a frame has yet to come. */
  get isInsideFrame(): boolean {
    return this.#frame !== undefined || this.#chunk.length > this.#at
  }

  push(chunk: Buffer): void {
    this.#chunk = this.#at < this.#chunk.length ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk
    this.#at = 0
  }

  /** The next whole frame without its length, or undefined until more bytes come. FrameError for a length below 0 or above `maxBytes`. */
  next(maxBytes: number): Buffer | undefined {
    return this.#frame ? this.#gather() : this.#begin(maxBytes)
  }

  #begin(maxBytes: number): Buffer | undefined {
    const available = this.#chunk.length - this.#at
    if (available < LENGTH_BYTES) {
      // An idle connection must not keep the memory of the last chunk.
      this.#chunk = available === 0 ? NOTHING : Buffer.from(this.#chunk.subarray(this.#at))
      this.#at = 0
      return undefined
    }
    const sizeBytes = this.#chunk.readInt32BE(this.#at)
    if (sizeBytes < 0 || sizeBytes > maxBytes) throw new FrameError(`a frame of ${sizeBytes} bytes was announced, the most is ${maxBytes}`)
    const start = this.#at + LENGTH_BYTES
    if (available - LENGTH_BYTES >= sizeBytes) {
      this.#at = start + sizeBytes
      return this.#chunk.subarray(start, this.#at)
    }
    this.#at = start
    this.#sizeBytes = sizeBytes
    this.#filled = 0
    this.#frame = Buffer.allocUnsafeSlow(Math.min(sizeBytes, Math.max(FIRST_BUFFER_BYTES, 2 * available)))
    return this.#gather()
  }

  #gather(): Buffer | undefined {
    const take = Math.min(this.#chunk.length - this.#at, this.#sizeBytes - this.#filled)
    this.#reserve(this.#filled + take)
    this.#chunk.copy(this.#frame!, this.#filled, this.#at, this.#at + take)
    this.#at += take
    this.#filled += take
    if (this.#filled < this.#sizeBytes) return undefined
    const frame = this.#frame
    this.#frame = undefined
    this.#filled = 0
    return frame
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#frame!.length) return
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#sizeBytes, Math.max(bytes, 2 * this.#frame!.length)))
    this.#frame!.copy(larger, 0, 0, this.#filled)
    this.#frame = larger
  }
}
