import type { EpochEntry } from './leader-epochs.ts'

/**
 * Kafka's checkpoint files, text: the version `0`, the number of entries, then an entry per line with fields separated by blanks.
 * An empty file is legal. Errors: an Error that names the line, for what Kafka would not read either.
 */
const parse = <T>(text: string, entryOf: (fields: string[]) => T | undefined): T[] => {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const [version, count, ...rest] = lines
  if (version === undefined) return []
  if (version.trim() !== '0') throw new Error(`version "${version}" of a checkpoint file; known is 0`)
  if (count === undefined) return []
  const entries = rest.map((line) => {
    const entry = entryOf(line.trim().split(/\s+/))
    if (entry === undefined) throw new Error(`malformed line in a checkpoint file: "${line}"`)
    return entry
  })
  if (!/^\d+$/.test(count.trim()) || Number(count) !== entries.length) {
    throw new Error(`a checkpoint file announces ${count} entries and holds ${entries.length}`)
  }
  return entries
}

const format = (lines: readonly string[]): Buffer => Buffer.from(`0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`)

const isInteger = (text: string | undefined): text is string =>
  text !== undefined && /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))

export type PartitionOffset = { topic: string; partition: number; offset: number }

/** recovery-point-, replication-, log-start- and cleaner-offset-checkpoint: `topic partition offset`. */
export const parseOffsets = (bytes: Buffer): PartitionOffset[] =>
  parse(bytes.toString('utf8'), ([topic, partition, offset, ...more]) =>
    topic && isInteger(partition) && isInteger(offset) && more.length === 0
      ? { topic, partition: Number(partition), offset: Number(offset) }
      : undefined,
  )
export const formatOffsets = (entries: readonly PartitionOffset[]): Buffer =>
  format(entries.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`))

/** leader-epoch-checkpoint of a partition: `epoch startOffset`. */
export const parseEpochs = (bytes: Buffer): EpochEntry[] =>
  parse(bytes.toString('utf8'), ([epoch, startOffset, ...more]) =>
    isInteger(epoch) && isInteger(startOffset) && more.length === 0
      ? { epoch: Number(epoch), startOffset: Number(startOffset) }
      : undefined,
  )
export const formatEpochs = (entries: readonly EpochEntry[]): Buffer =>
  format(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`))
