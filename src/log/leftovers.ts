import { join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { CLEANED_SUFFIX, DELETED_SUFFIX, fileName, parseFileName, SWAP_SUFFIX, type ParsedName } from './file-names.ts'
import { LogFile, OpenFiles } from './open-files.ts'
import { readNow } from './reads.ts'
import { scanSegment } from './scan.ts'

const INDEX_SUFFIXES = ['.index', '.timeindex', '.txnindex']

/**
 * Cleans a partition's directory of what an interrupted deletion, compaction or split left, by Kafka's rules: `.deleted`, `.cleaned` and temporary files go;
 * a `.log.swap` replaces the segments whose offsets it covers, unless a `.cleaned` file at or below it says that it is one of several that never became
 * complete; indexes without a log go. Gives the names that remain. Source: kafka.log.Log.loadSegments (2.6).
 */
export const clearLeftovers = (disk: Disk, path: string, logger: Logger): ReadonlySet<string> => {
  const names = new Set(disk.list(path).flatMap(({ name, isDirectory }) => (isDirectory ? [] : [name])))
  const remove = (name: string): void => {
    logger.info({ file: join(path, name) }, 'leftover removed')
    disk.remove(join(path, name))
    names.delete(name)
  }
  const parsed = [...names].flatMap((name): (ParsedName & { name: string })[] => {
    const found = parseFileName(name)
    return found ? [{ name, ...found }] : []
  })
  const cleanedFrom = Math.min(...parsed.filter(({ suffix }) => suffix.endsWith(CLEANED_SUFFIX)).map(({ offset }) => offset))
  for (const { name, suffix } of parsed) {
    if (suffix.endsWith(DELETED_SUFFIX) || suffix.endsWith(CLEANED_SUFFIX)) remove(name)
  }
  for (const name of [...names].filter((each) => each.endsWith('.tmp'))) remove(name)
  for (const { name, offset, suffix } of parsed) {
    if (!suffix.endsWith(SWAP_SUFFIX)) continue
    if (suffix === `.log${SWAP_SUFFIX}` && offset < cleanedFrom) completeSwap({ disk, path, names, remove }, { name, offset })
    else remove(name)
  }
  for (const { name, offset, suffix } of parsed) {
    if (INDEX_SUFFIXES.includes(suffix) && names.has(name) && !names.has(fileName(offset, '.log'))) remove(name)
  }
  return names
}

type Place = { disk: Disk; path: string; names: Set<string>; remove: (name: string) => void }

/** The new segment takes the place of those that it was made of; its indexes are built when it is opened. */
const completeSwap = ({ disk, path, names, remove }: Place, swap: { name: string; offset: number }): void => {
  const file = new LogFile(new OpenFiles(disk, 1), { path }, swap.name)
  const scan = readNow(scanSegment(file, { baseOffset: swap.offset, sizeBytes: file.sizeBytes(), indexIntervalBytes: 4096 }))
  if (scan.problem !== undefined) file.truncateSync(scan.validBytes)
  file.close()
  const end = Math.max(scan.nextOffset, swap.offset + 1)
  for (const name of names) {
    const parsed = parseFileName(name)
    const isReplaced = parsed && parsed.offset >= swap.offset && parsed.offset < end
    if (isReplaced && ['.log', ...INDEX_SUFFIXES].includes(parsed.suffix)) remove(name)
  }
  const target = fileName(swap.offset, '.log')
  disk.rename(join(path, swap.name), join(path, target))
  names.delete(swap.name)
  names.add(target)
}
