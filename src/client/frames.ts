/**
 * Cuts a byte stream into Kafka frames (int32 length, then that many bytes). Memory grows with the bytes received, never with the announced length;
 * a length that is negative or above `maxBytes` throws.
 */
export class FrameReader {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #heldBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The frames that `chunk` completes, without their lengths. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk)
    this.#heldBytes += chunk.length
    const frames: Buffer[] = []
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): Buffer | undefined {
    if (this.#heldBytes < 4) return undefined
    if (this.#chunks[0]!.length < 4) this.#join()
    const length = this.#chunks[0]!.readInt32BE(0)
    if (length < 0 || length > this.#maxBytes) throw new Error(`a frame of ${length} bytes; at most ${this.#maxBytes} are allowed`)
    if (this.#heldBytes < 4 + length) return undefined
    this.#join()
    const held = this.#chunks[0]!
    this.#chunks = held.length > 4 + length ? [held.subarray(4 + length)] : []
    this.#heldBytes -= 4 + length
    return held.subarray(4, 4 + length)
  }

  #join(): void {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#heldBytes)]
  }
}
