import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { parseProperties } from '../../base/properties.ts'
import type { Log } from '../../log/log.ts'

/**
 * Tells a topic from an earlier or later one of the same name: Kafka 2.6 has no topic ids, so these are the zxids at which the topic's znode and the cluster's
 * were made. Another cluster zxid means that the znodes were copied into another ZooKeeper: then the topics' say nothing.
 */
export type Incarnation = { cluster: bigint; topic: bigint }
/** undefined: there is no such topic now. Waits for ZooKeeper. */
export type IncarnationOf = (topic: string) => Promise<Incarnation | undefined>

const FILE = 'topic-incarnation.sofakafka'
const VERSION = '1'

/** A file of our own in a partition's directory says whose records are in it. */
export class Incarnations {
  readonly #disk: Disk
  readonly #of: IncarnationOf
  readonly #logger: Logger
  readonly #asked = new Map<string, Promise<Incarnation | undefined>>()

  constructor(disk: Disk, of: IncarnationOf, logger: Logger) {
    this.#disk = disk
    this.#of = of
    this.#logger = logger
  }

  /** Many partitions of a topic come at a time: those share an answer. */
  of(topic: string): Promise<Incarnation | undefined> {
    const known = this.#asked.get(topic)
    if (known) return known
    const asked = this.#of(topic).finally(() => this.#asked.delete(topic))
    this.#asked.set(topic, asked)
    return asked
  }

  /** Whether the log holds records of a topic that is gone. Without a file, as after Apache's broker, only a log that should be new is. */
  isForeign(log: Log, now: Incarnation, isNew: boolean): boolean {
    const stored = this.#read(log)
    const isComparable = stored !== undefined && stored.cluster === now.cluster
    return isComparable ? stored.topic !== now.topic : isNew && log.logEndOffset > 0
  }

  /** Writes down whose records the log holds, where that is not written yet. */
  async note(log: Log, { cluster, topic }: Incarnation): Promise<void> {
    const stored = this.#read(log)
    if (stored?.cluster === cluster && stored.topic === topic) return
    const text = `version=${VERSION}\ncluster.czxid=${cluster}\ntopic.czxid=${topic}\n`
    await this.#disk.replaceFile(join(log.directory, FILE), Buffer.from(text))
  }

  #read(log: Log): Incarnation | undefined {
    const path = join(log.directory, FILE)
    if (!this.#disk.stat(path)) return undefined
    const properties = parseProperties(this.#disk.readFile(path).toString('utf8'))
    try {
      if (properties.get('version') !== VERSION) return undefined
      return { cluster: BigInt(properties.get('cluster.czxid') ?? ''), topic: BigInt(properties.get('topic.czxid') ?? '') }
    } catch (err) {
      this.#logger.warn({ path, err }, 'the file is not readable and is written anew')
      return undefined
    }
  }
}
