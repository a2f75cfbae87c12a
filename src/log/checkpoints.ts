import type { PartitionOffset } from './checkpoint-file.ts'
import type { Checkpoint, LogDirectory } from './log-directory.ts'
import type { Log } from './log.ts'
import { Shared } from './turns.ts'

/** Writes the offsets of all logs into their directories' checkpoint files; those who ask at the same time share a write. */
export class Checkpoints {
  readonly #directories: readonly LogDirectory[]
  readonly #logs: () => Iterable<Log>
  readonly #all = new Shared(() => this.#writeAll())

  constructor(directories: readonly LogDirectory[], logs: () => Iterable<Log>) {
    this.#directories = directories
    this.#logs = logs
  }

  async writeHighWatermarks(): Promise<void> {
    for (const log of this.#logs()) await log.persistEpochs()
    await this.#write('replication-offset-checkpoint', (log) => log.highWatermark)
  }

  writeRecoveryPoints(): Promise<void> {
    return this.#write('recovery-point-offset-checkpoint', (log) => log.recoveryPoint)
  }

  /** Kafka lists only logs whose start is not that of their first segment. */
  writeStartOffsets(): Promise<void> {
    return this.#write('log-start-offset-checkpoint', (log) => (log.startsWithinSegment ? log.logStartOffset : undefined))
  }

  writeAll(): Promise<void> {
    return this.#all.run()
  }

  async #writeAll(): Promise<void> {
    await this.writeRecoveryPoints()
    await this.writeStartOffsets()
    await this.#write('replication-offset-checkpoint', (log) => log.highWatermark)
  }

  async #write(name: Checkpoint, offsetOf: (log: Log) => number | undefined): Promise<void> {
    const entries = new Map<string, PartitionOffset[]>(this.#directories.map((store) => [store.path, []]))
    for (const log of this.#logs()) {
      const offset = offsetOf(log)
      if (offset !== undefined) entries.get(log.logDir)!.push({ topic: log.topic, partition: log.partition, offset })
    }
    await Promise.all(this.#directories.map((store) => store.writeCheckpoint(name, entries.get(store.path)!)))
  }
}
