import type { Line } from './records.ts'

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
export type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
export type Login = { mechanism: Mechanism; username: string; password: string }
/** Where a client connects, and as whom; without a login in plain text. */
export type Access = { bootstrap: string; login?: Login }
/** `codec` and `isIdempotent` are the client's own defaults where they are absent. `baseMs`: record n has the time baseMs + n. */
export type ProduceOptions = { count: number; baseMs: number; codec?: Codec; isIdempotent?: boolean; hasHeaders?: boolean }
export type PartitionOffsets = { partition: number; offset: number; beginning?: number; end?: number }

/** A client that somebody else wrote, behind the few calls that the tests make; calls reject with the client's own words. */
export type ForeignClient = {
  name: string
  codecs: readonly Codec[]
  mechanisms: readonly Mechanism[]
  hasHeaders: boolean
  /** It can give a record a time of its own. */
  setsTimestamps: boolean
  produce(access: Access, topic: string, options: ProduceOptions): Promise<void>
  /** From the beginning, and committing nothing. */
  read(access: Access, topic: string, count: number): Promise<Line[]>
  /** As a member of a group: takes `count` records from where the group is, commits, leaves. */
  readAsGroup(access: Access, topic: string, group: string, count: number): Promise<Line[]>
  /** The first offset at or after a time in each partition, -1 where there is none. */
  offsetsAt?(access: Access, topic: string, timestampMs: number, partitions: number): Promise<PartitionOffsets[]>
  topics?: {
    create(access: Access, topic: string, partitions: number): Promise<void>
    delete(access: Access, topic: string): Promise<void>
    list(access: Access): Promise<string[]>
  }
  stop(): void | Promise<void>
}
