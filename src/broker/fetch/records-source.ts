/** Record batches that are read when the socket has room for them; whole and unchanged while a response is under way. */
export interface RecordsSource {
  readonly sizeBytes: number
  /** `readInto` gives all that fits into `target` at once, without waiting. */
  readonly isAtHand: boolean
  /** Fills as much of `target` as there is from `position` on. Throws when the records are gone; then the connection cannot go on. */
  readInto(target: Buffer, position: number): number | Promise<number>
}

/** undefined for no bytes. */
export const inMemory = (records: Buffer): RecordsSource | undefined =>
  records.length === 0
    ? undefined
    : { sizeBytes: records.length, isAtHand: true, readInto: (target, position) => records.copy(target, 0, position) }

/** A piece of a response's frame. */
export type ResponsePart = Buffer | RecordsSource
