import type { Logger } from '../../base/logger.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import { watchChildren, watchData } from '../../zookeeper/watching.ts'
import { BROKER_IDS, brokerIdZnode } from '../metadata/znodes/broker-id.ts'
import { isrChangeZnode } from '../metadata/znodes/isr-change.ts'
import { logDirEventZnode } from '../metadata/znodes/log-dir-event.ts'
import { DELETE_TOPICS, TOPICS, type TopicAssignment, topicZnode } from '../metadata/znodes/topic.ts'
import { brokerOf } from './cluster-load.ts'
import type { LiveBroker } from './context.ts'

export type Seen =
  | { type: 'brokers'; brokers: ReadonlyMap<number, LiveBroker> }
  | { type: 'broker'; broker: LiveBroker }
  | { type: 'topics'; gone: readonly string[] }
  | { type: 'topic'; topic: string; assignment: TopicAssignment; created: bigint }
  | { type: 'delete-topics'; topics: readonly string[] }
  /** Paths of notifications; whoever takes them deletes them. */
  | { type: 'isr-changes'; paths: readonly string[] }
  | { type: 'log-dir-events'; paths: readonly string[] }
type Tell = (seen: Seen) => Promise<void>

/** What a controller follows in ZooKeeper: every value now, then every change. It decides nothing. */
export class ClusterWatch {
  readonly #zookeeper: ZooKeeperClient
  readonly #tell: Tell
  readonly #logger: Logger
  /** One follower per topic and per broker, by path. */
  readonly #followed = new Map<string, AbortController>()

  constructor(options: { zookeeper: ZooKeeperClient; tell: Tell; logger: Logger }) {
    this.#zookeeper = options.zookeeper
    this.#tell = options.tell
    this.#logger = options.logger
  }

  /** Rejects with SESSION_EXPIRED, resolves after `ended`. */
  async follow(ended: Promise<void>): Promise<void> {
    const following = Promise.all([
      this.#followBrokers(),
      this.#followTopics(),
      this.#followChildren(DELETE_TOPICS, (topics) => ({ type: 'delete-topics', topics })),
      this.#followChildren(isrChangeZnode.parent, (names) => ({
        type: 'isr-changes',
        paths: names.map((name) => `${isrChangeZnode.parent}/${name}`),
      })),
      this.#followChildren(logDirEventZnode.parent, (names) => ({
        type: 'log-dir-events',
        paths: names.map((name) => `${logDirEventZnode.parent}/${name}`),
      })),
    ])
    await Promise.race([following, ended])
    for (const follower of this.#followed.values()) follower.abort()
  }

  async #followBrokers(): Promise<void> {
    for await (const listed of watchChildren(this.#zookeeper, BROKER_IDS)) {
      const ids = listed?.children ?? []
      const read = await Promise.all(ids.map((id) => this.#broker(Number(id))))
      const brokers = new Map(read.filter((broker) => broker !== undefined).map((broker) => [broker.id, broker]))
      await this.#tell({ type: 'brokers', brokers })
      this.#followEach(BROKER_IDS, ids, (path, signal) => this.#followBroker(path, signal))
    }
  }

  async #broker(id: number): Promise<LiveBroker | undefined> {
    return brokerOf(this.#zookeeper, id, this.#logger)
  }

  async #followBroker(path: string, signal: AbortSignal): Promise<void> {
    const id = Number(path.slice(BROKER_IDS.length + 1))
    for await (const read of watchData(this.#zookeeper, path, { signal })) {
      const info = read?.data && this.#readable(path, () => brokerIdZnode.decode(id, read.data!))
      if (info) await this.#tell({ type: 'broker', broker: { ...info, epoch: read.stat.czxid } })
    }
  }

  async #followTopics(): Promise<void> {
    for await (const listed of watchChildren(this.#zookeeper, TOPICS)) {
      const gone = this.#followEach(TOPICS, listed?.children ?? [], (path, signal) => this.#followTopic(path, signal))
      if (gone.length > 0) await this.#tell({ type: 'topics', gone })
    }
  }

  async #followTopic(path: string, signal: AbortSignal): Promise<void> {
    const topic = path.slice(TOPICS.length + 1)
    for await (const read of watchData(this.#zookeeper, topicZnode.path(topic), { signal })) {
      const assignment = read?.data && this.#readable(path, () => topicZnode.decode(topic, read.data!))
      if (assignment) await this.#tell({ type: 'topic', topic, assignment, created: read.stat.czxid })
    }
  }

  async #followChildren(path: string, seen: (names: readonly string[]) => Seen): Promise<void> {
    for await (const listed of watchChildren(this.#zookeeper, path))
      if (listed && listed.children.length > 0) await this.#tell(seen(listed.children.toSorted()))
  }

  /** undefined for what somebody else wrote badly: it is as if it were not there. */
  #readable<T>(path: string, decode: () => T): T | undefined {
    try {
      return decode()
    } catch (err) {
      this.#logger.error({ path, err }, 'a znode cannot be read')
      return undefined
    }
  }

  /** Starts followers for new names and ends those of the others, whose names it gives. */
  #followEach(parent: string, names: readonly string[], follow: (path: string, signal: AbortSignal) => Promise<void>): string[] {
    const paths = new Set(names.map((name) => `${parent}/${name}`))
    const gone = [...this.#followed.keys()].filter((path) => path.startsWith(`${parent}/`) && !paths.has(path))
    for (const path of gone) {
      this.#followed.get(path)!.abort()
      this.#followed.delete(path)
    }
    for (const path of paths) if (!this.#followed.has(path)) this.#start(path, follow)
    return gone.map((path) => path.slice(parent.length + 1))
  }

  #start(path: string, follow: (path: string, signal: AbortSignal) => Promise<void>): void {
    const stopped = new AbortController()
    this.#followed.set(path, stopped)
    void follow(path, stopped.signal).catch((error: unknown) => {
      if (!isZooKeeperError(error)) throw error
    })
  }
}
