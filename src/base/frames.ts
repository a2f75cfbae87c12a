const LENGTH_BYTES = 4

/** A frame that is announced longer than the limit, or with a length below 0. */
export class FrameError extends Error {
  constructor(lengthBytes: number, maxBytes: number) {
    super(`a frame of ${lengthBytes} bytes; at most ${maxBytes} are allowed`)
    this.name = 'FrameError'
  }
}

/** Cuts a byte stream into frames (int32 length, then that many bytes), as Kafka and ZooKeeper have them. Holds no more than what came in: a length alone reserves nothing. */
export class FrameReader {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #heldBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#heldBytes += chunk.length
  }

  /** The next whole frame without its length; undefined until more bytes come. Throws FrameError. */
  next(): Buffer | undefined {
    const length = this.peek()
    if (length === undefined) return undefined
    if (length < 0 || length > this.#maxBytes) throw new FrameError(length, this.#maxBytes)
    const end = LENGTH_BYTES + length
    if (this.#heldBytes < end) return undefined
    if (this.#chunks[0]!.length < end) this.#join()
    const first = this.#chunks[0]!
    if (first.length === end) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(end)
    this.#heldBytes -= end
    return first.subarray(LENGTH_BYTES, end)
  }

  /** The frames that `chunk` completes. Throws FrameError. */
  received(chunk: Buffer): Buffer[] {
    this.push(chunk)
    const frames: Buffer[] = []
    for (let frame = this.next(); frame; frame = this.next()) frames.push(frame)
    return frames
  }

  /** The next four bytes as a number, before it is known that they are a length: ZooKeeper's four-letter words look like one. */
  peek(): number | undefined {
    if (this.#heldBytes < LENGTH_BYTES) return undefined
    if (this.#chunks[0]!.length < LENGTH_BYTES) this.#join()
    return this.#chunks[0]!.readInt32BE(0)
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks, this.#heldBytes)]
  }
}
