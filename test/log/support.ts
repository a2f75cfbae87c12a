import type { Disk } from '../../src/base/disk.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { defaultLogConfig, type LogConfig } from '../../src/log/log-config.ts'
import { defaultLogManagerConfig, LogManager, type LogManagerConfig, type LogManagerOptions } from '../../src/log/log-manager.ts'
import type { AppendInfo } from '../../src/log/log-types.ts'
import type { Log } from '../../src/log/log.ts'
import { baseOffsetOf, batches, lastOffsetOf } from '../../src/protocol/records/record-batch.ts'
import { records } from '../../src/protocol/records/record.ts'
import { buildBatch, type BatchFields } from '../../src/protocol/records/build-batch.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { MemoryDisk } from '../support/memory-disk.ts'

export const DIR = '/logs'
export const TOPIC = 't'
export const START_MS = 1_700_000_000_000

export const topicConfig = (config: Partial<LogConfig> = {}): LogConfig => ({ ...defaultLogConfig, ...config })

type StartOptions = { config?: Partial<LogConfig>; manager?: Partial<LogManagerConfig> } & Omit<Partial<LogManagerOptions>, 'config'>

/** A machine: a disk, clocks that stand still, and processes (managers) that come and go on it. */
export class Machine {
  readonly wall = { nowMs: (): number => this.wallMs }
  wallMs = START_MS
  /** Of the process that runs now: the timers of a killed one never come. */
  clock = new ManualClock()
  readonly disk: Disk
  manager: LogManager | undefined

  constructor(disk: Disk = new MemoryDisk(() => this.wallMs)) {
    this.disk = disk
  }
  get memory(): MemoryDisk {
    return this.disk as MemoryDisk
  }

  async start(options: StartOptions = {}): Promise<LogManager> {
    const { config, manager, ...others } = options
    this.clock = new ManualClock()
    this.manager = await LogManager.open({
      disk: this.disk,
      logDirs: [DIR],
      clocks: { monotonic: this.clock, wall: this.wall },
      logger: silentLogger,
      brokerId: 1,
      clusterId: 'c',
      random: () => 0,
      ...others,
      config: { ...defaultLogManagerConfig, topicDefaults: topicConfig(config), ...manager },
    })
    return this.manager
  }

  /** The partition's log after a start. */
  async log(config: Partial<LogConfig> = {}, manager: Partial<LogManagerConfig> = {}): Promise<Log> {
    const started = await this.start({ config, manager })
    return started.getOrCreate(TOPIC, 0, topicConfig(config), false)
  }

  kill(): void {
    this.memory.killProcess()
  }
}

export const batchOf = (
  count: number,
  { sizeBytes = 10, timestamp = START_MS, ...fields }: BatchFields & { sizeBytes?: number; timestamp?: number } = {},
): Buffer =>
  buildBatch(
    Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: Buffer.alloc(sizeBytes, 97 + (i % 26)), timestamp })),
    fields,
  )

export const append = (log: Log, count = 1, fields: Parameters<typeof batchOf>[1] & { leaderEpoch?: number } = {}): AppendInfo => {
  const { leaderEpoch = 0, ...batch } = fields
  const info = log.append(batchOf(count, batch), { origin: 'client', leaderEpoch })
  if (info instanceof Promise) throw new Error('the append waits')
  return info
}

/** The offsets of all records from `offset` on, read in steps. */
export const offsetsOf = async (log: Log, offset = log.logStartOffset, maxBytes = 1000): Promise<number[]> => {
  const all: number[] = []
  let next = offset
  while (next < log.logEndOffset) {
    const read = await log.read(next, { maxBytes, upTo: 'logEnd', minOneBatch: true })
    if (read.records.length === 0) break
    for (const batch of batches(read.records)) {
      for (const record of records(batch)) if (record.offset >= next) all.push(record.offset)
      next = lastOffsetOf(batch) + 1
    }
  }
  return all
}

export const batchOffsets = (bytes: Buffer): number[] => [...batches(bytes)].map((batch) => baseOffsetOf(batch))
export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
export const names = (machine: Machine, path = `${DIR}/${TOPIC}-0`): string[] => machine.disk.list(path).map((entry) => entry.name)

/** How often each step is taken relative to the others, and what it does to the model. */
export type Steps<M> = readonly (readonly [weight: number, take: (model: M) => unknown])[]

/** Takes `count` steps, as often as their weights say. */
export const takeSteps = async <M extends { random: (below: number) => number }>(
  model: M,
  steps: Steps<M>,
  count: number,
): Promise<void> => {
  const total = steps.reduce((sum, [weight]) => sum + weight, 0)
  for (let taken = 0; taken < count; taken++) {
    let pick = model.random(total)
    await steps.find(([weight]) => (pick -= weight) < 0)![1](model)
  }
}
