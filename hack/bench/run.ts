// Ours and Apache Kafka 2.6.3, one after the other on this machine, with Apache's own load programs; writes docs/performance.md.
//   npm run bench            the whole: 6 GB of warming, median of 5
//   npm run bench -- quick   1 GB of warming, median of 3
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { consume, type Consumed, produce, type Produced } from './load.ts'
import type { Peer } from './peers.ts'
import { median, peakResidentBytes, residentBytes } from './process.ts'

// What users run is JavaScript: the type stripping of the sources would cost start time and memory.
const built = spawnSync(process.execPath, ['hack/build.ts'], { stdio: ['ignore', 2, 2] })
if (built.status !== 0) process.exit(1)
process.env['SOFAKAFKA_MAIN'] = resolve('dist/main.js')
const { idlePartitions } = await import('./idle.ts')
const { apache, ours } = await import('./peers.ts')

const isQuick = process.argv.includes('quick')
const WARM_RECORDS = isQuick ? 1_000_000 : 6_000_000
const RUNS = isQuick ? 3 : 5
const RECORDS = 1_000_000
const SMALL_RECORDS = 3_000_000
const MB = 1024 * 1024

type Figures = {
  startMs: number
  idleMb: number
  cold: Produced
  warm: Produced
  paced: Produced
  small: Produced
  consumed: Consumed
  smallConsumed: Consumed
  peakMb: number
  stallMs: number
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)

const medianOf = <T extends Record<string, number>>(runs: readonly T[]): T =>
  Object.fromEntries(Object.keys(runs[0]!).map((key) => [key, median(runs.map((run) => run[key]!))])) as T

const repeat = async <T extends Record<string, number>>(times: number, run: (n: number) => Promise<T>): Promise<T> => {
  const results: T[] = []
  for (let n = 0; n < times; n++) results.push(await run(n))
  return medianOf(results)
}

/** The longest event-loop delay of our broker since the last call; Apache has no such figure. */
const longestStallMs = async (peer: Peer): Promise<number> => {
  if (!peer.httpPort) return Number.NaN
  const text = await (await fetch(`http://127.0.0.1:${peer.httpPort}/metrics`)).text()
  return Number(/^sofakafka_event_loop_delay_max_seconds (\S+)$/m.exec(text)?.[1]) * 1000
}

const measure = async (start: () => Promise<Peer>): Promise<Figures> => {
  const peer = await start()
  const { brokerPid, bootstrap } = peer
  const load = (topic: string, records: number, recordBytes: number) => ({ topic, bootstrap, records, recordBytes })
  try {
    const idleMb = residentBytes(brokerPid) / MB
    say(`${peer.name}: serves after ${peer.startMs.toFixed(0)} ms, ${idleMb.toFixed(0)} MB; cold`)
    const cold = await produce(load('cold', RECORDS / 5, 1024), brokerPid)
    say(`${peer.name}: warming with ${WARM_RECORDS / 1e6} GB`)
    await produce(load('warm', WARM_RECORDS, 1024), brokerPid)
    await longestStallMs(peer)
    const warm = await repeat(RUNS, async (n) => {
      const run = await produce(load(`kb${n}`, RECORDS, 1024), brokerPid)
      say(`${peer.name}: 1 KB ${run.recordsPerS.toFixed(0)} records/s, ${run.cpuSecondsPerGb.toFixed(2)} CPU-s/GB`)
      return run
    })
    const consumed = await repeat(RUNS, (n) => consume(load(`kb${n}`, RECORDS, 1024), brokerPid))
    const paced = await repeat(Math.min(RUNS, 3), () => produce(load('paced', 50_000, 1024), brokerPid, { throughput: 5000 }))
    const small = await repeat(RUNS, (n) => produce(load(`small${n}`, SMALL_RECORDS, 100), brokerPid))
    const smallConsumed = await repeat(RUNS, (n) => consume(load(`small${n}`, SMALL_RECORDS, 100), brokerPid))
    return {
      startMs: peer.startMs,
      idleMb,
      cold,
      warm,
      paced,
      small,
      consumed,
      smallConsumed,
      peakMb: peakResidentBytes(brokerPid) / MB,
      stallMs: await longestStallMs(peer),
    }
  } finally {
    await peer.stop()
  }
}

type Row = [what: string, unit: string, figure: (figures: Figures) => number, aim?: string]
const ROWS: Row[] = [
  ['produce 1 KB, warm', 'records/s', (f) => f.warm.recordsPerS, 'at least 1.5x'],
  ['  broker CPU', 'CPU-s/GB', (f) => f.warm.cpuSecondsPerGb, 'at most 0.75x'],
  ['  latency p50', 'ms', (f) => f.warm.p50Ms],
  ['  latency p99', 'ms', (f) => f.warm.p99Ms],
  ['produce 1 KB at 5,000/s, p50', 'ms', (f) => f.paced.p50Ms],
  ['produce 1 KB at 5,000/s, p99', 'ms', (f) => f.paced.p99Ms],
  ['consume 1 KB', 'records/s', (f) => f.consumed.recordsPerS],
  ['  broker CPU', 'CPU-s/GB', (f) => f.consumed.cpuSecondsPerGb],
  ['produce 100 B, warm', 'records/s', (f) => f.small.recordsPerS, 'not slower'],
  ['  broker CPU', 'CPU-s/GB', (f) => f.small.cpuSecondsPerGb],
  ['consume 100 B', 'records/s', (f) => f.smallConsumed.recordsPerS, 'not slower'],
  ['produce 1 KB, cold', 'records/s', (f) => f.cold.recordsPerS],
  ['  broker CPU', 'CPU-s/GB', (f) => f.cold.cpuSecondsPerGb],
  ['start', 'ms', (f) => f.startMs, 'ours under 500 ms'],
  ['memory without load', 'MB', (f) => f.idleMb, 'ours under 100 MB'],
  ['memory, most', 'MB', (f) => f.peakMb, 'at most 1/3'],
  ['longest event-loop stall', 'ms', (f) => f.stallMs],
]

const digits = (value: number): string =>
  Number.isNaN(value) ? '-' : value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2)

const apacheFigures = await measure(apache)
const ourFigures = await measure(ours)
say('idle partitions')
const idle = await idlePartitions(10_000)

const table = ROWS.map(([what, unit, figure, aim = '']) => {
  const [mine, theirs] = [figure(ourFigures), figure(apacheFigures)]
  return `| ${what} | ${unit} | ${digits(mine)} | ${digits(theirs)} | ${Number.isNaN(mine / theirs) ? '' : `${(mine / theirs).toFixed(2)}x`} | ${aim} |`
})
const report = `# Performance

Written by \`npm run bench\`${isQuick ? ' (quick)' : ''}; one broker with its ZooKeeper, one partition, replication factor 1, acks=1, a plain listener on loopback, the load programs of
Apache Kafka 2.6.3 on the same machine in the same run, one side after the other. Warm: after ${WARM_RECORDS / 1e6} GB, median of ${RUNS}.
Machine: ${cpus().length} x ${cpus()[0]!.model}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.versions.node}. Load programs and broker share the processors.

| what | unit | SOFAKafka | Apache Kafka 2.6.3 | ratio | aim |
|---|---|---:|---:|---:|---|
${table.join('\n')}

## 10,000 idle partitions on one broker

| what | measured | aim |
|---|---:|---|
| memory | ${idle.residentMb.toFixed(0)} MB | under 400 MB |
| descriptors | ${idle.descriptors} | under 5,000 |
| clean start | ${idle.startMs.toFixed(0)} ms | under 3,000 ms |
| memory after that start | ${idle.restartedMb.toFixed(0)} MB | under 400 MB |
`
writeFileSync('docs/performance.md', report)
process.stdout.write(report)
