import { runJava } from '../../test/support/java.ts'
import { cpuSecondsOf } from './process.ts'

const JVM = ['-Xmx512m', '-XX:TieredStopAtLevel=4']
/** 6 GB at the 15,000 records/s that a cold JVM may make of three replicas take seven minutes. */
const TIMEOUT_MS = 900_000

export type Load = { topic: string; bootstrap: string; records: number; recordBytes: number }
export type Produced = {
  recordsPerS: number
  megabytesPerS: number
  p50Ms: number
  p99Ms: number
  maxMs: number
  /** Without the first five seconds, in which the load program starts and connects; NaN for a shorter run. */
  laterMaxMs: number
  cpuSecondsPerGb: number
}
export type Consumed = { recordsPerS: number; megabytesPerS: number; cpuSecondsPerGb: number }

const gigabytes = ({ records, recordBytes }: Load): number => (records * recordBytes) / 1e9

/** Apache's ProducerPerformance with its defaults and the given acks; `throughput` -1 is as fast as it goes. */
export const produce = async (
  load: Load,
  brokerPids: readonly number[],
  options: { acks?: string; throughput?: number } = {},
): Promise<Produced> => {
  const args = [
    '--topic',
    load.topic,
    '--num-records',
    String(load.records),
    '--record-size',
    String(load.recordBytes),
    '--throughput',
    String(options.throughput ?? -1),
  ]
  const before = cpuSecondsOf(brokerPids)
  const output = await runJava(
    'kafka-2.6.3',
    'org.apache.kafka.tools.ProducerPerformance',
    [...args, '--producer-props', `bootstrap.servers=${load.bootstrap}`, `acks=${options.acks ?? '1'}`],
    {
      timeoutMs: TIMEOUT_MS,
      jvm: JVM,
    },
  )
  const used = cpuSecondsOf(brokerPids) - before
  const lines = output.trim().split('\n')
  const last = lines.at(-1)!
  // One line per five seconds before the last, which is about all.
  const laterMs = lines.slice(0, -1).flatMap((line) => Number(/ ([\d.]+) ms max latency/.exec(line)?.[1] ?? []))
  const [, recordsPerS, megabytesPerS, maxMs, p50Ms, p99Ms] =
    /sent, ([\d.]+) records\/sec \(([\d.]+) MB\/sec\).* ([\d.]+) ms max latency.* (\d+) ms 50th.* (\d+) ms 99th/.exec(last) ?? []
  if (recordsPerS === undefined) throw new Error(`ProducerPerformance printed ${output}`)
  return {
    recordsPerS: Number(recordsPerS),
    megabytesPerS: Number(megabytesPerS),
    p50Ms: Number(p50Ms),
    p99Ms: Number(p99Ms),
    maxMs: Number(maxMs),
    laterMaxMs: laterMs.length < 2 ? Number.NaN : Math.max(...laterMs.slice(1)),
    cpuSecondsPerGb: used / gigabytes(load),
  }
}

/** Apache's ConsumerPerformance from the beginning of the topic, in a group of its own. */
export const consume = async (load: Load, brokerPids: readonly number[]): Promise<Consumed> => {
  const before = cpuSecondsOf(brokerPids)
  const output = await runJava(
    'kafka-2.6.3',
    'kafka.tools.ConsumerPerformance',
    ['--topic', load.topic, '--messages', String(load.records), '--bootstrap-server', load.bootstrap],
    {
      timeoutMs: TIMEOUT_MS,
      jvm: JVM,
    },
  )
  const used = cpuSecondsOf(brokerPids) - before
  // start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec
  const fields = output.trim().split('\n').at(-1)!.split(', ')
  if (fields.length < 10) throw new Error(`ConsumerPerformance printed ${output}`)
  // The columns of the fetch time alone are wrong in 2.6 (it subtracts a time stamp): these hold the joining of the group too.
  return { megabytesPerS: Number(fields[3]), recordsPerS: Number(fields[5]), cpuSecondsPerGb: used / gigabytes(load) }
}
