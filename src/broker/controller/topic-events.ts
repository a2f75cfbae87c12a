import { isZooKeeperError } from '../../zookeeper/errors.ts'
import type { TopicAssignment } from '../metadata/znodes/topic.ts'
import { assignmentOf, type ControllerContext, type KnownPartition } from './context.ts'
import type { TopicDeletion } from './deletion.ts'
import { replicasOf } from './replica-machine.ts'
import { NoLongerController } from './state-writes.ts'
import type { TermTools } from './term-part.ts'

/** A topic's znode as it was read; `created` is its czxid. */
export type SeenTopic = { topic: string; assignment: TopicAssignment; created: bigint }
type Batch = { topics: Map<string, SeenTopic>; taken: Promise<void> }

/** So many topics are one event; other events wait no longer than these take. */
const TOPICS_AT_A_TIME = 200

/** Topics that appear, grow and vanish. */
export class TopicEvents {
  readonly #tools: TermTools
  readonly #context: ControllerContext
  readonly #deletion: TopicDeletion
  /** By topic: the czxid of its znode, which tells a topic from an older one of the same name. */
  #created = new Map<string, bigint>()
  /** Waits in the queue, and takes more. */
  #open: Batch | undefined

  constructor(options: { tools: TermTools; deletion: TopicDeletion }) {
    this.#tools = options.tools
    this.#context = options.tools.context
    this.#deletion = options.deletion
  }

  /** The context has been loaded; `created` as read with it. */
  loaded(created: ReadonlyMap<string, bigint>): void {
    this.#created = new Map(created)
  }

  /**
   * What was read while the queue was busy is one event: its states go into common writes, and each broker hears of them in one request. Resolves when it is
   * done.
   */
  read(seen: SeenTopic): Promise<void> {
    if (!this.#open || this.#open.topics.size >= TOPICS_AT_A_TIME) this.#open = this.#enqueued()
    this.#open.topics.set(seen.topic, seen)
    return this.#open.taken
  }

  /** Somebody removed the znodes. What is read from now on may be made anew under one of the names, and comes after this. */
  gone(topics: readonly string[]): Promise<void> {
    this.#open = undefined
    return this.#tools.queue.tell('topics gone', () => {
      for (const topic of topics) {
        this.#context.forgetTopic(topic)
        this.#created.delete(topic)
      }
    })
  }

  /** An unclean election may have become possible for the topic, or for every topic. */
  async uncleanElectionMayBeAllowed(topic?: string): Promise<void> {
    const candidates = topic === undefined ? [...this.#context.all()] : this.#context.partitionsOf(topic)
    const offline = candidates.filter((known) => known.state === 'OFFLINE' && !this.#context.isToBeDeleted(known))
    await this.#tools.partitions.online(offline, { type: 'offline', allowsUnclean: false })
  }

  #enqueued(): Batch {
    const topics = new Map<string, SeenTopic>()
    const taken = this.#tools.queue.tell('topics', () => {
      if (this.#open?.topics === topics) this.#open = undefined
      return this.#takeAll([...topics.values()])
    })
    return { topics, taken }
  }

  /** One that cannot be taken, e.g. for a state that somebody wrote badly, does not keep the others from being taken. */
  async #takeAll(seen: readonly SeenTopic[]): Promise<void> {
    try {
      await this.#take(seen)
    } catch (error) {
      if (seen.length === 1 || error instanceof NoLongerController || isZooKeeperError(error)) throw error
      for (const each of seen) void this.#tools.queue.tell('topic', () => this.#take([each]))
    }
  }

  async #take(seen: readonly SeenTopic[]): Promise<void> {
    for (const each of seen) this.#note(each)
    const served = seen.filter((each) => !this.#context.isToBeDeleted(each))
    const known = served.flatMap(({ topic }) => this.#context.partitionsOf(topic))
    await this.#start(known.filter(({ state }) => state === 'NON_EXISTENT' || state === 'NEW'))
    for (const { topic } of served) await this.#deletion.topicIsKnown(topic)
  }

  /** Only new partitions are taken from the znode: what becomes of the others is the business of reassignments. */
  #note({ topic, assignment, created }: SeenTopic): void {
    const known = this.#created.get(topic)
    if (known !== undefined && known !== created && !this.#context.isToBeDeleted({ topic })) this.#context.forgetTopic(topic)
    this.#created.set(topic, created)
    this.#context.addTopic(topic)
    if (this.#context.isToBeDeleted({ topic })) return
    for (const partition of assignment.replicas.keys())
      if (!this.#context.partition({ topic, partition })) this.#context.add({ topic, partition }, assignmentOf(assignment, partition))
  }

  async #start(fresh: readonly KnownPartition[]): Promise<void> {
    if (fresh.length === 0) return
    const { partitions, replicas } = this.#tools
    partitions.move(fresh, 'NEW')
    const theirs = replicasOf(fresh).filter((replica) => ['NON_EXISTENT', 'NEW'].includes(replicas.stateOf(replica)))
    replicas.create(theirs)
    await partitions.online(fresh, { type: 'offline', allowsUnclean: false })
    replicas.online(theirs.filter(({ known, brokerId }) => this.#context.isOnline(brokerId, known)))
    await replicas.offline(theirs.filter(({ known, brokerId }) => !this.#context.isOnline(brokerId, known)))
  }
}
