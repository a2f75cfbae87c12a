// npm run test:faults -- --seconds N --seed S: faults in a cluster of processes. Exit code 0: no anomaly; 1: anomalies; 2: wrong arguments.
import { parseArgs } from 'node:util'
import { run } from '../test/faults/run.ts'
import { FAULT_KINDS, type FaultKind } from '../test/faults/schedule.ts'

const USAGE = `npm run test:faults -- [--seconds N] [--seed S] [--rf 3] [--kinds kill,pause] [--flush] [--plain] [--apache-judge] [--zookeeper embedded|apache] [--keep]
  --seconds    how long faults happen, 60; what follows takes up to two minutes more
  --seed       draws the schedule; the same seed has the same schedule; absent: one is made up and printed
  --rf         replicas of each partition, 3
  --kinds      only these: ${FAULT_KINDS.join(', ')}
  --flush      flush.messages=1: power may fail for all brokers at once
  --plain      no producer is idempotent
  --apache-judge  let Apache's DumpLogSegments look at the logs, too; needs Java
  --zookeeper  embedded (ours) or apache (3.5.9, needs Java)
  --keep       leave the directory with the processes' logs and all records of the run also when all is well`

const refuse = (what: string): never => {
  process.stderr.write(`${what}\n${USAGE}\n`)
  process.exit(2)
}

const parse = () => {
  try {
    return parseArgs({
      options: {
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
        rf: { type: 'string', default: '3' },
        kinds: { type: 'string' },
        flush: { type: 'boolean', default: false },
        plain: { type: 'boolean', default: false },
        'apache-judge': { type: 'boolean', default: false },
        zookeeper: { type: 'string', default: 'embedded' },
        keep: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return refuse((error as Error).message)
  }
}

const values = parse()
const wholeNumber = (name: 'seconds' | 'seed' | 'rf'): number => {
  const number = Number(values[name])
  return Number.isInteger(number) && number >= 0 ? number : refuse(`--${name} ${values[name]}: write a whole number`)
}
const kinds = values.kinds?.split(',') as FaultKind[] | undefined
for (const kind of kinds ?? []) if (!FAULT_KINDS.includes(kind)) refuse(`--kinds ${kind}: there is no such fault`)
const zookeeper = values.zookeeper
if (zookeeper !== 'embedded' && zookeeper !== 'apache') refuse(`--zookeeper ${zookeeper}: write embedded or apache`)

const seed = wholeNumber('seed')
const verdict = await run({
  seed,
  seconds: wholeNumber('seconds'),
  replicationFactor: wholeNumber('rf'),
  zookeeper: zookeeper as 'embedded' | 'apache',
  isFlushed: values.flush,
  isPlain: values.plain,
  isJudgedByApache: values['apache-judge'],
  keep: values.keep,
  print: (line) => console.log(line),
  ...(kinds ? { kinds } : {}),
})
console.log(`faults: ${JSON.stringify(verdict.done)}`)
if (Object.keys(verdict.skipped).length > 0) console.log(`left out: ${JSON.stringify(verdict.skipped)}`)
console.log(`history: ${JSON.stringify(verdict.figures)}`)
for (const { kind, topic, partition, what } of verdict.anomalies.slice(0, 50)) console.log(`ANOMALY ${kind} ${topic}-${partition}: ${what}`)
if (verdict.directory) console.log(`everything about this run is in ${verdict.directory}`)
const count = verdict.anomalies.length
console.log(count === 0 ? `seed ${seed}: no anomaly` : `seed ${seed}: ${count} anomalies; the same seed replays the schedule`)
process.exit(count === 0 ? 0 : 1)
