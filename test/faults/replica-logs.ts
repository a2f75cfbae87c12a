import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { baseOffsetOf, batches, lastOffsetOf } from '../../src/protocol/records/record-batch.ts'
import type { Place, ReplicaLog } from './history.ts'

const digestOf = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('base64')

/** The batches of one partition in a log directory of a stopped broker, read without the help of indexes. undefined where it has none. */
export const readReplica = (logDir: string, place: Place, brokerId: number): ReplicaLog | undefined => {
  const directory = join(logDir, `${place.topic}-${place.partition}`)
  if (!existsSync(directory)) return undefined
  const segments = readdirSync(directory)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .sort()
  const found = segments.flatMap((name) =>
    [...batches(readFileSync(join(directory, name)))].map((batch) => ({
      baseOffset: baseOffsetOf(batch),
      lastOffset: lastOffsetOf(batch),
      digest: digestOf(batch),
    })),
  )
  return { ...place, brokerId, startOffset: Number.parseInt(segments[0] ?? '0', 10), batches: found }
}
