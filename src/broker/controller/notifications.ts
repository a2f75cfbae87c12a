import { unlessRefused } from '../../zookeeper/errors.ts'
import { isrChangeZnode } from '../metadata/znodes/isr-change.ts'
import { logDirEventZnode } from '../metadata/znodes/log-dir-event.ts'
import type { BrokerEvents } from './broker-events.ts'
import { type LeadershipWriter, writeAsController } from './state-writes.ts'
import type { TermPart, TermTools } from './term-part.ts'

type NotificationsOptions = { tools: TermTools; writer: LeadershipWriter; brokers: BrokerEvents; parts: readonly TermPart[] }

/** What brokers report through ZooKeeper: in-sync sets that leaders changed, and log directories that failed. A report is deleted when it was acted on. */
export class Notifications {
  readonly #options: NotificationsOptions

  constructor(options: NotificationsOptions) {
    this.#options = options
  }

  /** Every broker hears of the new in-sync sets. */
  async takeIsrChanges(paths: readonly string[]): Promise<void> {
    const { tools, writer, parts } = this.#options
    const reports = await this.#read(paths, isrChangeZnode.decode)
    const named = reports.flat().flatMap((at) => tools.context.partition(at) ?? [])
    const partitions = [...new Set(named)].filter((known) => !tools.context.isToBeDeleted(known))
    await writer.refresh(partitions)
    tools.requests.updateMetadata(partitions)
    for (const part of parts) await part.isrChanged?.(partitions)
    await this.#delete(paths)
  }

  async takeLogDirEvents(paths: readonly string[]): Promise<void> {
    const brokerIds = new Set(await this.#read(paths, logDirEventZnode.decode))
    this.#options.brokers.askForReplicas([...brokerIds])
    await this.#delete(paths)
  }

  /** What cannot be read is logged and goes with the others. */
  async #read<T>(paths: readonly string[], decode: (path: string, data: Buffer) => T): Promise<T[]> {
    const { zookeeper, logger } = this.#options.tools
    const read = await Promise.all(
      paths.map(async (path) => {
        const data = (await unlessRefused(zookeeper.get(path), 'NO_NODE'))?.data
        try {
          return data ? [decode(path, data)] : []
        } catch (err) {
          logger.error({ path, err }, 'a notification of a broker cannot be read')
          return []
        }
      }),
    )
    return read.flat()
  }

  async #delete(paths: readonly string[]): Promise<void> {
    const { zookeeper, context } = this.#options.tools
    await Promise.all(
      paths.map((path) => unlessRefused(writeAsController(zookeeper, context, [{ type: 'delete', path, version: -1 }]), 'NO_NODE')),
    )
  }
}
