const MOST = 8

/**
 * Where in a segment some offsets are: those at which reads ended, since the same readers come back for what follows. As many as a few followers and consumers
 * need that read side by side.
 */
export class KnownPositions {
  #offsets: number[] = []
  readonly #positions: number[] = []
  #next = 0

  /** Of the batch that holds `offset`, or of the one that will follow. */
  of(offset: number): number | undefined {
    const at = this.#offsets.indexOf(offset)
    return at < 0 ? undefined : this.#positions[at]
  }

  note(offset: number, position: number): void {
    if (this.#offsets.includes(offset)) return
    this.#offsets[this.#next] = offset
    this.#positions[this.#next] = position
    this.#next = (this.#next + 1) % MOST
  }

  clear(): void {
    this.#offsets = []
    this.#next = 0
  }
}
