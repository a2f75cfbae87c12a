import { expect } from 'vitest'

/** What every client writes and reads in these tests: record `n` of `COUNT`, with key, value, header and time made from `n`. */
export const COUNT = 10_000
const KEYS = 100
const FILLER = 'abcdefghij'.repeat(5)

export const keyOf = (n: number): string => `key-${n % KEYS}`
export const valueOf = (n: number): string => `${n} ${FILLER}`
export const headerOf = (n: number): string => `n=${n}`
export const numbers = (count = COUNT): number[] => Array.from({ length: count }, (_unused, n) => n)

/** A consumed record as all our small programs print it: partition, offset, timestamp, key, value, headers; tabs between. */
export type Line = { partition: number; offset: number; timestampMs: number; key: string; value: string; headers: string }

export const parseLine = (line: string): Line => {
  const [partition, offset, timestampMs, key, value, headers] = line.split('\t')
  return {
    partition: Number(partition),
    offset: Number(offset),
    timestampMs: Number(timestampMs),
    key: key!,
    value: value!,
    headers: headers ?? '',
  }
}

const numberOf = ({ value }: Line): number => Number(value.slice(0, value.indexOf(' ')))
const byPartition = (lines: readonly Line[]): Line[][] => {
  const partitions: Line[][] = []
  for (const line of lines) (partitions[line.partition] ??= []).push(line)
  return partitions.filter(Boolean)
}

/**
 * Every record of 0 to `count` - 1 is there once, as it was written; within a partition the offsets go up by one and the records are in the order of writing.
 * `headers`: what the header must be. `baseMs`: record n has the time baseMs + n.
 */
export const expectAll = (lines: readonly Line[], options: { count?: number; headers: 'kept' | 'none'; baseMs?: number }): void => {
  const count = options.count ?? COUNT
  expect(lines.map(numberOf).sort((a, b) => a - b)).toEqual(numbers(count))
  const wrong = lines.filter((line) => {
    const n = numberOf(line)
    if (line.key !== keyOf(n) || line.value !== valueOf(n)) return true
    if (options.baseMs !== undefined && line.timestampMs !== options.baseMs + n) return true
    return line.headers !== (options.headers === 'kept' ? headerOf(n) : '')
  })
  expect(wrong.slice(0, 3)).toEqual([])
  for (const partition of byPartition(lines)) {
    const misplaced = partition.filter((line, index) => index > 0 && line.offset !== partition[index - 1]!.offset + 1)
    expect(misplaced.slice(0, 3)).toEqual([])
    const disordered = partition.filter((line, index) => index > 0 && numberOf(line) <= numberOf(partition[index - 1]!))
    expect(disordered.slice(0, 3)).toEqual([])
  }
}

/** The first offset at or after a time, per partition, as the lines themselves show it; -1 where there is none. */
export const offsetsAtTime = (lines: readonly Line[], timestampMs: number): Map<number, number> =>
  new Map(
    byPartition(lines).map((partition) => [
      partition[0]!.partition,
      partition.find((line) => line.timestampMs >= timestampMs)?.offset ?? -1,
    ]),
  )
