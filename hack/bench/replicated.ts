// Three brokers, three replicas, acks=all: ours, then Apache's, by the rules of the other benchmarks.
// One part of one side alone, in small: node hack/bench/replicated.ts ours|apache throughput|paced|stop|kill [MB of warming and of each run] [seconds of each paced run]
import { apacheCluster, type Cluster, ourCluster } from './clusters.ts'
import { failover } from './failover.ts'
import { type Load, produce, type Produced } from './load.ts'
import { peakResidentBytes } from './process.ts'
import { medianOf, say, type Row, tableOf } from './report.ts'

const MB = 1024 * 1024

export type ReplicatedOptions = { warmRecords: number; records: number; runs: number; pacedS: number }
type Throughput = { warm: Produced; peakMb: number }
type Paced = { paced5: Produced; paced20: Produced }
type Stop = { stopMs: number; stallMs: number }
type Kill = { killMs: number }
type Figures = Throughput & Paced & Stop & Kill

const ALL = { acks: 'all' }
const STALL_RECORDS_PER_S = 1000
const STALL_S = 16
/** Neither in the first five seconds of the load program nor in the last, which it does not report. */
const STALL_AFTER_MS = 7000

const loadOf = ({ bootstrap }: Cluster, topic: string, records: number): Load => ({ topic, bootstrap, records, recordBytes: 1024 })
const pidsOf = ({ nodes }: Cluster): number[] => nodes.map(({ pid }) => pid)

const warmUp = async (cluster: Cluster, { warmRecords }: ReplicatedOptions): Promise<void> => {
  say(`${cluster.name} x 3: warming with ${warmRecords / 1e6} GB`)
  await produce(loadOf(cluster, 'warm', warmRecords), pidsOf(cluster), ALL)
}

const throughput = async (cluster: Cluster, options: ReplicatedOptions): Promise<Throughput> => {
  const { records, runs } = options
  const pids = pidsOf(cluster)
  await warmUp(cluster, options)
  const warm: Produced[] = []
  for (let n = 0; n < runs; n++) {
    const run = await produce(loadOf(cluster, 'kb', records), pids, ALL)
    warm.push(run)
    say(`${cluster.name} x 3: 1 KB, acks=all ${run.recordsPerS.toFixed(0)} records/s, ${run.cpuSecondsPerGb.toFixed(2)} CPU-s/GB`)
  }
  return { warm: medianOf(warm), peakMb: Math.max(...pids.map(peakResidentBytes)) / MB }
}

/** The load program starts within half a second or so: its first records are not among one in a hundred when `pacedS` is 60. */
const paced = async (cluster: Cluster, { runs, pacedS }: ReplicatedOptions): Promise<Paced> => {
  const at = async (recordsPerS: number): Promise<Produced> => {
    const some: Produced[] = []
    for (let n = 0; n < Math.min(runs, 3); n++) {
      const run = await produce(loadOf(cluster, 'paced', recordsPerS * pacedS), pidsOf(cluster), { ...ALL, throughput: recordsPerS })
      some.push(run)
      say(`${cluster.name} x 3: at ${recordsPerS}/s p50 ${run.p50Ms} ms, p99 ${run.p99Ms} ms, ${run.cpuSecondsPerGb.toFixed(2)} CPU-s/GB`)
    }
    return medianOf(some)
  }
  return { paced5: await at(5000), paced20: await at(20_000) }
}

/** One of the brokers is gone afterwards. */
const stop = async (cluster: Cluster): Promise<Stop> => {
  say(`${cluster.name} x 3: a leader stops while a producer writes`)
  // Makes the topic; the load program starts before the leader goes, and ends after it.
  await produce(loadOf(cluster, 'stall', STALL_RECORDS_PER_S), pidsOf(cluster), { ...ALL, throughput: STALL_RECORDS_PER_S })
  const load = loadOf(cluster, 'stall', STALL_RECORDS_PER_S * STALL_S)
  const [{ laterMaxMs: stallMs }, stopMs] = await Promise.all([
    produce(load, pidsOf(cluster), { ...ALL, throughput: STALL_RECORDS_PER_S }),
    failover(cluster, { topic: 'stopped', signal: 'SIGTERM', afterMs: STALL_AFTER_MS }),
  ])
  say(`${cluster.name} x 3: not writable for ${stopMs.toFixed(0)} ms, longest send ${stallMs.toFixed(0)} ms`)
  return { stopMs, stallMs }
}

/** One of the brokers is gone afterwards. */
const kill = async (cluster: Cluster): Promise<Kill> => {
  say(`${cluster.name} x 3: a leader is killed`)
  const killMs = await failover(cluster, { topic: 'killed', signal: 'SIGKILL', afterMs: 1500 })
  say(`${cluster.name} x 3: not writable for ${killMs.toFixed(0)} ms`)
  return { killMs }
}

const within = async <T>(start: () => Promise<Cluster>, measure: (cluster: Cluster) => Promise<T>): Promise<T> => {
  const cluster = await start()
  try {
    return await measure(cluster)
  } finally {
    await cluster.stop()
  }
}

const measureAll = async (start: () => Promise<Cluster>, options: ReplicatedOptions): Promise<Figures> => {
  const figures = await within(start, async (cluster) => ({
    ...(await throughput(cluster, options)),
    ...(await paced(cluster, options)),
    ...(await stop(cluster)),
  }))
  return { ...figures, ...(await within(start, kill)) }
}

const ROWS: Row<Figures>[] = [
  ['produce 1 KB, warm', 'records/s', (f) => f.warm.recordsPerS, 'at least 1.5x, better 2x'],
  ['  CPU of the brokers', 'CPU-s/GB', (f) => f.warm.cpuSecondsPerGb, 'at most 0.75x'],
  ['  latency p99', 'ms', (f) => f.warm.p99Ms],
  ['at 5,000/s: reached', 'records/s', (f) => f.paced5.recordsPerS, '5,000 (white paper, three 4C8G)'],
  ['  latency p50', 'ms', (f) => f.paced5.p50Ms],
  ['  latency p99', 'ms', (f) => f.paced5.p99Ms, 'at most 0.5x'],
  ['at 20,000/s: reached', 'records/s', (f) => f.paced20.recordsPerS, '20,000 (white paper, three 16C60G)'],
  ['  latency p50', 'ms', (f) => f.paced20.p50Ms],
  ['  latency p99', 'ms', (f) => f.paced20.p99Ms, 'at most 0.5x'],
  ['memory of a broker, most', 'MB', (f) => f.peakMb, 'at most 1/3'],
  ['leader stops: not writable for', 'ms', (f) => f.stopMs, 'ours under 100 ms'],
  ['leader stops: longest send of a producer with default settings', 'ms', (f) => f.stallMs, 'ours under 500 ms'],
  ['leader killed: not writable for', 'ms', (f) => f.killMs, 'session time-out (6 s) + tick (0.5 s) + 1 s'],
]

export const replicated = async (options: ReplicatedOptions): Promise<string> => {
  const theirs = await measureAll(apacheCluster, options)
  const mine = await measureAll(ourCluster, options)
  return `Three brokers, one ZooKeeper, a topic of three partitions with three replicas, min.insync.replicas=2, acks=all; brokers and load program share the processors.
Warm: after ${options.warmRecords / 1e6} GB, median of ${options.runs}.

${tableOf(ROWS, mine, theirs)}`
}

if (import.meta.main) {
  const [side = '', part = '', megabytes = '100', pacedS = '10'] = process.argv.slice(2)
  const start = { ours: ourCluster, apache: apacheCluster }[side]
  const pacedWarm = async (cluster: Cluster, options: ReplicatedOptions): Promise<Paced> => {
    await warmUp(cluster, options)
    return paced(cluster, options)
  }
  const measure = { throughput, paced: pacedWarm, stop, kill }[part]
  if (!start || !measure) throw new Error('write ours or apache, then throughput, paced, stop or kill')
  const records = Number(megabytes) * 1000
  say(
    JSON.stringify(
      await within<object>(start, (cluster) => measure(cluster, { warmRecords: records, records, runs: 3, pacedS: Number(pacedS) })),
      undefined,
      2,
    ),
  )
}
