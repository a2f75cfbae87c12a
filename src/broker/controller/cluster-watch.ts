import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, ZooKeeperError } from '../../zookeeper/errors.ts'
import { watchChildren, watchData } from '../../zookeeper/watching.ts'
import { BROKER_IDS, brokerIdZnode } from '../metadata/znodes/broker-id.ts'
import { partitionStateZnode } from '../metadata/znodes/partition-state.ts'
import { DELETE_TOPICS, TOPICS, type TopicAssignment, topicZnode } from '../metadata/znodes/topic.ts'
import type { ControllerContext, LiveBroker } from './context.ts'

export type Seen =
  | { type: 'brokers'; brokers: ReadonlyMap<number, LiveBroker> }
  | { type: 'topics'; gone: readonly string[] }
  | { type: 'topic'; topic: string; assignment: TopicAssignment }
  | { type: 'delete-topics'; topics: readonly string[] }

/** Reads at a time while the cluster is loaded: many enough to keep ZooKeeper busy, few enough for its queue. */
const PARALLEL_READS = 100

const inParallel = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  for (let at = 0; at < items.length; at += PARALLEL_READS) await Promise.all(items.slice(at, at + PARALLEL_READS).map(work))
}

const orGone = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read()
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return undefined
    throw error
  }
}

/** What a controller reads of ZooKeeper: everything once, then every change. It decides nothing. */
export class ClusterWatch {
  readonly #zookeeper: ZooKeeperClient
  readonly #followed = new Map<string, AbortController>()

  constructor(zookeeper: ZooKeeperClient) {
    this.#zookeeper = zookeeper
  }

  async load(context: ControllerContext): Promise<void> {
    for (const [id, broker] of await this.#brokers((await this.#zookeeper.children(BROKER_IDS)).children)) context.brokers.set(id, broker)
    const { children: topics } = await this.#zookeeper.children(TOPICS)
    await inParallel(topics, async (topic) => {
      const assignment = await orGone(() => this.#assignment(topic))
      if (assignment) context.topics.set(topic, assignment)
    })
    for (const topic of (await this.#zookeeper.children(DELETE_TOPICS)).children) context.toDelete.add(topic)
    const all = [...context.topics.keys()].flatMap((topic) => [...context.partitionsOf(topic)])
    await inParallel(all, async (at) => {
      const read = await orGone(() => this.#zookeeper.get(partitionStateZnode.path(at.topic, at.partition)))
      if (read?.data)
        context.setLeadership(at, { ...partitionStateZnode.decode(at.topic, at.partition, read.data), version: read.stat.version })
    })
  }

  /** Tells every change, the present state first; rejects with SESSION_EXPIRED, resolves after `ended`. */
  async follow(tell: (seen: Seen) => Promise<void>, ended: Promise<void>): Promise<void> {
    const following = Promise.all([this.#followBrokers(tell), this.#followTopics(tell), this.#followDeletions(tell)])
    await Promise.race([following, ended])
    for (const topic of this.#followed.values()) topic.abort()
  }

  async #followBrokers(tell: (seen: Seen) => Promise<void>): Promise<void> {
    for await (const listed of watchChildren(this.#zookeeper, BROKER_IDS)) {
      await tell({ type: 'brokers', brokers: await this.#brokers(listed?.children ?? []) })
    }
  }

  async #followTopics(tell: (seen: Seen) => Promise<void>): Promise<void> {
    for await (const listed of watchChildren(this.#zookeeper, TOPICS)) {
      const topics = new Set(listed?.children)
      const gone = [...this.#followed.keys()].filter((topic) => !topics.has(topic))
      for (const topic of gone) {
        this.#followed.get(topic)!.abort()
        this.#followed.delete(topic)
      }
      if (gone.length > 0) await tell({ type: 'topics', gone })
      for (const topic of topics) if (!this.#followed.has(topic)) this.#startTopic(topic, tell)
    }
  }

  #startTopic(topic: string, tell: (seen: Seen) => Promise<void>): void {
    const stopped = new AbortController()
    this.#followed.set(topic, stopped)
    void this.#followTopic(topic, tell, stopped.signal).catch((error: unknown) => {
      if (!(error instanceof ZooKeeperError)) throw error
    })
  }

  /** Ends by itself when the topic is gone; a topic of the same name made later is followed anew. */
  async #followTopic(topic: string, tell: (seen: Seen) => Promise<void>, stopped: AbortSignal): Promise<void> {
    for await (const read of watchData(this.#zookeeper, topicZnode.path(topic))) {
      if (stopped.aborted || !read?.data) return
      await tell({ type: 'topic', topic, assignment: topicZnode.decode(topic, read.data) })
    }
  }

  async #followDeletions(tell: (seen: Seen) => Promise<void>): Promise<void> {
    for await (const listed of watchChildren(this.#zookeeper, DELETE_TOPICS)) {
      if (listed && listed.children.length > 0) await tell({ type: 'delete-topics', topics: listed.children })
    }
  }

  async #assignment(topic: string): Promise<TopicAssignment> {
    const { data } = await this.#zookeeper.get(topicZnode.path(topic))
    return topicZnode.decode(topic, data ?? Buffer.from('{}'))
  }

  async #brokers(ids: readonly string[]): Promise<Map<number, LiveBroker>> {
    const read = await Promise.all(
      ids.map(async (text) => {
        const id = Number(text)
        const found = await orGone(() => this.#zookeeper.get(brokerIdZnode.path(id)))
        return found?.data ? ([id, { ...brokerIdZnode.decode(id, found.data), epoch: found.stat.czxid }] as const) : undefined
      }),
    )
    return new Map(read.filter((entry) => entry !== undefined))
  }
}
