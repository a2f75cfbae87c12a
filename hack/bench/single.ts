// One broker, one replica, acks=1: ours, then Apache's.
import { consume, type Consumed, produce, type Produced } from './load.ts'
import { apache, ours, type Peer } from './peers.ts'
import { peakResidentBytes, residentBytes } from './process.ts'
import { medianOf, say, type Row, tableOf } from './report.ts'

const RECORDS = 1_000_000
const SMALL_RECORDS = 3_000_000
const MB = 1024 * 1024

export type SingleOptions = { warmRecords: number; runs: number }
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

const measure = async (start: () => Promise<Peer>, { warmRecords, runs }: SingleOptions): Promise<Figures> => {
  const peer = await start()
  const { brokerPid, bootstrap } = peer
  const load = (topic: string, records: number, recordBytes: number) => ({ topic, bootstrap, records, recordBytes })
  try {
    const idleMb = residentBytes(brokerPid) / MB
    say(`${peer.name}: serves after ${peer.startMs.toFixed(0)} ms, ${idleMb.toFixed(0)} MB; cold`)
    const cold = await produce(load('cold', RECORDS / 5, 1024), [brokerPid])
    say(`${peer.name}: warming with ${warmRecords / 1e6} GB`)
    await produce(load('warm', warmRecords, 1024), [brokerPid])
    await longestStallMs(peer)
    const warm = await repeat(runs, async (n) => {
      const run = await produce(load(`kb${n}`, RECORDS, 1024), [brokerPid])
      say(`${peer.name}: 1 KB ${run.recordsPerS.toFixed(0)} records/s, ${run.cpuSecondsPerGb.toFixed(2)} CPU-s/GB`)
      return run
    })
    const consumed = await repeat(runs, (n) => consume(load(`kb${n}`, RECORDS, 1024), [brokerPid]))
    const paced = await repeat(Math.min(runs, 3), () => produce(load('paced', 50_000, 1024), [brokerPid], { throughput: 5000 }))
    const small = await repeat(runs, (n) => produce(load(`small${n}`, SMALL_RECORDS, 100), [brokerPid]))
    const smallConsumed = await repeat(runs, (n) => consume(load(`small${n}`, SMALL_RECORDS, 100), [brokerPid]))
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

const ROWS: Row<Figures>[] = [
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

export const single = async (options: SingleOptions): Promise<string> => {
  const theirs = await measure(apache, options)
  const mine = await measure(ours, options)
  return `One broker with its ZooKeeper, one partition, replication factor 1, acks=1. Warm: after ${options.warmRecords / 1e6} GB, median of ${options.runs}.

${tableOf(ROWS, mine, theirs)}`
}
