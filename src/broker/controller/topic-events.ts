import type { TopicAssignment } from '../metadata/znodes/topic.ts'
import { assignmentOf, type ControllerContext, type KnownPartition } from './context.ts'
import type { TopicDeletion } from './deletion.ts'
import { replicasOf } from './replica-machine.ts'
import type { TermTools } from './term-part.ts'

/** Topics that appear, grow and vanish. */
export class TopicEvents {
  readonly #tools: TermTools
  readonly #context: ControllerContext
  readonly #deletion: TopicDeletion
  /** By topic: the czxid of its znode, which tells a topic from an older one of the same name. */
  #created = new Map<string, bigint>()

  constructor(options: { tools: TermTools; deletion: TopicDeletion }) {
    this.#tools = options.tools
    this.#context = options.tools.context
    this.#deletion = options.deletion
  }

  /** The context has been loaded; `created` as read with it. */
  loaded(created: ReadonlyMap<string, bigint>): void {
    this.#created = new Map(created)
  }

  /** The znode as it is now. Only new partitions are taken from it: what becomes of the others is the business of reassignments. */
  async take(topic: string, assignment: TopicAssignment, created: bigint): Promise<void> {
    const known = this.#created.get(topic)
    if (known !== undefined && known !== created && !this.#context.isToBeDeleted({ topic })) this.#context.forgetTopic(topic)
    this.#created.set(topic, created)
    this.#context.addTopic(topic)
    if (this.#context.isToBeDeleted({ topic })) return
    for (const partition of assignment.replicas.keys())
      if (!this.#context.partition({ topic, partition })) this.#context.add({ topic, partition }, assignmentOf(assignment, partition))
    await this.#start(this.#context.partitionsOf(topic).filter(({ state }) => state === 'NON_EXISTENT' || state === 'NEW'))
    await this.#deletion.topicIsKnown(topic)
  }

  /** Somebody removed the znodes. */
  gone(topics: readonly string[]): void {
    for (const topic of topics) {
      this.#context.forgetTopic(topic)
      this.#created.delete(topic)
    }
  }

  /** An unclean election may have become possible for the topic, or for every topic. */
  async uncleanElectionMayBeAllowed(topic?: string): Promise<void> {
    const candidates = topic === undefined ? [...this.#context.all()] : this.#context.partitionsOf(topic)
    const offline = candidates.filter((known) => known.state === 'OFFLINE' && !this.#context.isToBeDeleted(known))
    await this.#tools.partitions.online(offline, { type: 'offline', allowsUnclean: false })
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
