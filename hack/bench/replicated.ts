// Three brokers, three replicas, acks=all: ours, then Apache's, by the rules of the other benchmarks.
import { apacheCluster, type Cluster, ourCluster } from './clusters.ts'
import { failover } from './failover.ts'
import { produce, type Produced } from './load.ts'
import { peakResidentBytes } from './process.ts'
import { medianOf, say, type Row, tableOf } from './report.ts'

const MB = 1024 * 1024

export type ReplicatedOptions = { warmRecords: number; records: number; runs: number }
type Figures = { warm: Produced; paced5: Produced; paced20: Produced; peakMb: number; stopMs: number; stallMs: number; killMs: number }

const measure = async (start: () => Promise<Cluster>, { warmRecords, records, runs }: ReplicatedOptions): Promise<Figures> => {
  const cluster = await start()
  const pids = cluster.nodes.map(({ pid }) => pid)
  const load = (topic: string, count: number) => ({ topic, bootstrap: cluster.bootstrap, records: count, recordBytes: 1024 })
  const all = { acks: 'all' }
  try {
    say(`${cluster.name} x 3: warming with ${warmRecords / 1e6} GB`)
    await produce(load('warm', warmRecords), pids, all)
    const warm: Produced[] = []
    for (let n = 0; n < runs; n++) {
      warm.push(await produce(load('kb', records), pids, all))
      say(
        `${cluster.name} x 3: 1 KB, acks=all ${warm[n]!.recordsPerS.toFixed(0)} records/s, ${warm[n]!.cpuSecondsPerGb.toFixed(2)} CPU-s/GB`,
      )
    }
    const paced = async (throughput: number): Promise<Produced> => {
      const some: Produced[] = []
      for (let n = 0; n < Math.min(runs, 3); n++) some.push(await produce(load('paced', throughput * 10), pids, { ...all, throughput }))
      return medianOf(some)
    }
    const paced5 = await paced(5000)
    const paced20 = await paced(20_000)
    const peakMb = Math.max(...pids.map(peakResidentBytes)) / MB
    say(`${cluster.name} x 3: a leader stops, then another is killed`)
    const stalls = produce({ ...load('stall', 12_000), recordBytes: 1024 }, pids, { ...all, throughput: 1000 })
    const stopMs = await failover(cluster, 'stopped', 'SIGTERM')
    const stallMs = (await stalls).maxMs
    const killMs = await failover({ ...cluster, nodes: [...cluster.nodes] }, 'killed', 'SIGKILL').catch(() => Number.NaN)
    return { warm: medianOf(warm), paced5, paced20, peakMb, stopMs, stallMs, killMs }
  } finally {
    await cluster.stop()
  }
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
  const theirs = await measure(apacheCluster, options)
  const mine = await measure(ourCluster, options)
  return `Three brokers, one ZooKeeper, a topic of three partitions with three replicas, min.insync.replicas=2, acks=all; brokers and load program share the processors.
Warm: after ${options.warmRecords / 1e6} GB, median of ${options.runs}.

${tableOf(ROWS, mine, theirs)}`
}
