/** What a connection begins with, and never falls below. */
const LEAST_BYTES = 65_536
/** After so many frames the memory is made smaller where none of them needed it. */
const REVIEW_FRAMES = 64
const LENGTH_BYTES = 4

/**
 * Cuts a byte stream into Kafka frames (int32 length, then that many bytes) in one block of memory that is used again and again: a frame is a view of it, and what it
 * holds lasts until the next bytes come. For one request at a time, whose answers are large. The block grows with the bytes received, never with the announced
 * length; a length that is negative or above `maxBytes` throws.
 */
export class FrameMemory {
  readonly #maxBytes: number
  #bytes = Buffer.allocUnsafeSlow(LEAST_BYTES)
  /** Where the first frame begins that is not complete. */
  #start = 0
  #end = 0
  #framesSinceReview = 0
  #largestBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  /** Where the next bytes go; never empty. */
  room(): Buffer {
    if (this.#start === this.#end) this.#begin()
    else if (this.#start > 0) this.#moveRest()
    else if (this.#end === this.#bytes.length) this.#grow()
    return this.#bytes.subarray(this.#end)
  }

  /** The frames that the next `count` bytes complete, without their lengths. */
  received(count: number): Buffer[] {
    this.#end += count
    const frames: Buffer[] = []
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): Buffer | undefined {
    const held = this.#end - this.#start
    if (held < LENGTH_BYTES) return undefined
    const length = this.#bytes.readInt32BE(this.#start)
    if (length < 0 || length > this.#maxBytes) throw new Error(`a frame of ${length} bytes; at most ${this.#maxBytes} are allowed`)
    if (held < LENGTH_BYTES + length) return undefined
    const begin = this.#start + LENGTH_BYTES
    this.#start = begin + length
    this.#framesSinceReview++
    this.#largestBytes = Math.max(this.#largestBytes, LENGTH_BYTES + length)
    return this.#bytes.subarray(begin, begin + length)
  }

  #begin(): void {
    this.#start = this.#end = 0
    if (this.#framesSinceReview < REVIEW_FRAMES) return
    const enough = Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(this.#largestBytes)))
    if (enough < this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(enough)
    this.#framesSinceReview = 0
    this.#largestBytes = 0
  }

  /** The beginning of the next frame came with the end of the last one, which may still be read: it goes on in memory of its own. */
  #moveRest(): void {
    const rest = this.#bytes.subarray(this.#start, this.#end)
    this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length)
    rest.copy(this.#bytes)
    this.#start = 0
    this.#end = rest.length
    if (this.#end === this.#bytes.length) this.#grow()
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.#bytes.length * 2)
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}
