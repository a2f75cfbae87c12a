/**
 * Names in a log directory: `<topic>-<partition>/` with files named by an offset of 20 digits. A segment's files share its base offset;
 * a producer snapshot is named by the offset that follows what it covers. Source: kafka.log.Log (2.6).
 */
export const FILE_SUFFIXES = ['.log', '.index', '.timeindex', '.txnindex'] as const
export const SNAPSHOT_SUFFIX = '.snapshot'
export const DELETED_SUFFIX = '.deleted'
export const CLEANED_SUFFIX = '.cleaned'
export const SWAP_SUFFIX = '.swap'

const OFFSET_DIGITS = 20
const MAX_NAME_BYTES = 255

export const fileName = (offset: number, suffix: string): string => `${String(offset).padStart(OFFSET_DIGITS, '0')}${suffix}`

export type ParsedName = { offset: number; suffix: string }
/** undefined for files that are not named by an offset. `suffix` is all that follows it, e.g. `.log.swap`. */
export const parseFileName = (name: string): ParsedName | undefined => {
  const [, digits, suffix] = /^(\d+)(\..+)$/.exec(name) ?? []
  const offset = Number(digits)
  return suffix !== undefined && Number.isSafeInteger(offset) ? { offset, suffix } : undefined
}

export type PartitionDirectory = { topic: string; partition: number; state: 'current' | 'delete' | 'future' }

/** undefined for a directory that is not a partition's. The topic ends at the last `-`: topics may hold that sign, partitions not. */
export const parseDirectoryName = (name: string): PartitionDirectory | undefined => {
  const [, marked, , state] = /^(.+)\.([0-9a-f]{32})-(delete|future)$/.exec(name) ?? []
  const [, topic, partition] = /^(.+)-(\d+)$/.exec(marked ?? name) ?? []
  if (topic === undefined || Number(partition) > 0x7fff_ffff) return undefined
  return { topic, partition: Number(partition), state: (state as 'delete' | 'future' | undefined) ?? 'current' }
}

export const directoryName = (topic: string, partition: number): string => `${topic}-${partition}`

/** `unique` is 32 hexadecimal digits. The topic is cut so that the name stays within what file systems take. */
export const deletedDirectoryName = (topic: string, partition: number, unique: string): string => {
  const rest = `-${partition}.${unique}-delete`
  return topic.slice(0, MAX_NAME_BYTES - rest.length) + rest
}
