import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runJava } from '../support/java.ts'
import type { Place, ReplicaLog } from './history.ts'

/** What Apache's DumpLogSegments says against the files of a stopped broker: what is invalid, and batches that it sees otherwise than our reader does. Empty: nothing. */
export const judgeByApache = async (logDir: string, place: Place, ours: ReplicaLog): Promise<string[]> => {
  const directory = join(logDir, `${place.topic}-${place.partition}`)
  const names = readdirSync(directory)
  const files = names.filter((name) => /^\d{20}\.(log|index|timeindex)$/.test(name)).map((name) => join(directory, name))
  const output = await runJava('kafka-2.6.3', 'kafka.tools.DumpLogSegments', ['--deep-iteration', '--files', files.join(',')])
  const faults = output.split('\n').filter((line) => /isvalid: false|mismatch|out of order|Non-consecutive|not found/i.test(line))
  const theirs = [...output.matchAll(/^baseOffset: (\d+) lastOffset: (\d+) /gm)].map(([, base, last]) => `${base} to ${last}`).sort()
  const expected = ours.batches.map(({ baseOffset, lastOffset }) => `${baseOffset} to ${lastOffset}`).sort()
  const index = expected.findIndex((batch, index) => theirs[index] !== batch)
  if (index >= 0 || theirs.length !== expected.length)
    faults.push(`${theirs.length} batches for Apache, ${expected.length} for us; ${theirs[index]} and ${expected[index]}`)
  return faults
}
