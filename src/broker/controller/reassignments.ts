import { partitionKey, type TopicPartition } from '../../base/topic-partition.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import { watchData } from '../../zookeeper/watching.ts'
import { reassignPartitionsZnode } from '../metadata/znodes/admin.ts'
import { partitionStateZnode } from '../metadata/znodes/partition-state.ts'
import { wantedReassignments, withdrawWanted, writeAssignments } from './assignment-writes.ts'
import type { Assignment, KnownPartition } from './context.ts'
import { planMove, type PlannedMove, type WantedMove } from './move-requests.ts'
import { isMoving, isSameAssignment, nextStep, type Progress, settledOn, type Step, strangersIn, targetOf } from './reassignment.ts'
import type { Replica } from './replica-machine.ts'
import type { TermPart, TermTools } from './term-part.ts'

/** One partition on its way. */
type Move = {
  readonly known: KnownPartition
  /** What the topic's znode has. The partition's assignment in the context is what brokers are told. */
  stored: Assignment
  progress: Progress
  /** Brokers that only a replaced move had added: they delete their replicas at once. */
  unneeded: readonly number[]
  /** Ends the watch of the in-sync set. */
  readonly over: AbortController
}

const OFFLINE = { type: 'offline', allowsUnclean: false } as const
/**
 * Moves partitions to other brokers. The topic's znode names the old and the new replicas until the end, so that a controller that takes over can go on; each
 * step follows from it and from who is in sync (reassignment.ts).
 */
export class Reassignments implements TermPart {
  readonly #tools: TermTools
  readonly #moves = new Map<KnownPartition, Move>()
  /** Replicas that were to be deleted on brokers that are away. */
  #left: Replica[] = []

  constructor(tools: TermTools) {
    this.#tools = tools
  }

  /** Takes new moves, replaces and gives up old ones; one answer each, undefined where nothing was wrong. It does not wait until they are done. */
  alter(wanted: readonly WantedMove[]): Promise<(KafkaError | undefined)[]> {
    let plans: (PlannedMove | KafkaError)[] | undefined
    return this.#tools.queue.ask(async () => {
      await this.#finish()
      // Work that is tried again must not see its own beginning as somebody else's move.
      const decided = (plans ??= wanted.map((move) => this.#plan(move)))
      const planned = decided.flatMap((plan) => (plan instanceof KafkaError ? [] : [plan]))
      const names = new Set(planned.map(({ known }) => partitionKey(known)))
      await withdrawWanted(this.#tools, (entry) => names.has(partitionKey(entry)))
      const refused = await this.#begin(planned)
      return decided.map((plan) => (plan instanceof KafkaError ? plan : refused.get(plan.known)))
    })
  }

  /** The partitions that move; of all when none are named. */
  list(partitions: readonly TopicPartition[] | null): Promise<(TopicPartition & Assignment)[]> {
    return this.#tools.queue.ask(() => {
      const { context } = this.#tools
      const asked = partitions ? partitions.flatMap((at) => context.partition(at) ?? []) : context.all()
      return [...new Set(asked)].flatMap((known) => {
        const stored = this.#storedOf(known)
        return isMoving(stored) && !context.isToBeDeleted(known) ? [{ topic: known.topic, partition: known.partition, ...stored }] : []
      })
    })
  }

  async started(): Promise<void> {
    const { context } = this.#tools
    for (const known of context.all()) {
      const isNew = isMoving(known.assignment) && !this.#moves.has(known)
      if (isNew && !context.isToBeDeleted(known)) this.#adopt(known, known.assignment)
    }
    await this.#dropStrangers(context.all())
    await this.#advance(this.#moves.values())
  }

  /** One that was away when it was added was told of nothing, and one that was away when it was to leave has kept its files. */
  async brokersStarted(brokerIds: readonly number[]): Promise<void> {
    const { context } = this.#tools
    this.#left = this.#left.filter(
      (left) => context.partition(left.known) === left.known && !left.known.assignment.replicas.includes(left.brokerId),
    )
    for (const { known, brokerId } of this.#left) if (brokerIds.includes(brokerId)) await this.#drop(known, [brokerId])
    this.#left = this.#left.filter(({ brokerId }) => !brokerIds.includes(brokerId))
    for (const move of this.#moves.values()) {
      const isConcerned = move.stored.adding.some((id) => brokerIds.includes(id))
      if (isConcerned && move.progress === 'announced') move.progress = 'nothing'
    }
    await this.#advance(this.#moves.values())
  }

  async isrChanged(partitions: readonly KnownPartition[]): Promise<void> {
    await this.#dropStrangers(partitions)
    await this.#advance(partitions.flatMap((known) => this.#moves.get(known) ?? []))
  }

  /** Their replicas are deleted wherever they are: there is nothing to wait for. */
  async topicsToDelete(topics: readonly string[]): Promise<void> {
    const names = new Set(topics)
    for (const move of this.#moves.values()) if (names.has(move.known.topic)) this.#forget(move)
    await withdrawWanted(this.#tools, ({ topic }) => names.has(topic))
  }

  async follow(ended: Promise<void>): Promise<void> {
    const { zookeeper, queue } = this.#tools
    const over = new AbortController()
    void ended.then(() => {
      over.abort()
      for (const move of this.#moves.values()) move.over.abort()
    })
    for await (const read of watchData(zookeeper, reassignPartitionsZnode.path, { signal: over.signal })) {
      const data = read?.data
      if (data) await queue.tell('reassignments wanted by ZooKeeper', () => this.#takeWanted(data))
    }
  }

  async #takeWanted(data: Buffer): Promise<void> {
    const { logger } = this.#tools
    await this.#finish()
    const failed = new Set<string>()
    const planned: PlannedMove[] = []
    for (const wanted of wantedReassignments(data, logger)) {
      const plan = this.#plan(wanted, true)
      if (plan instanceof KafkaError) {
        logger.warn({ ...wanted, reason: plan.message }, 'a reassignment that ZooKeeper asks for is refused')
        failed.add(partitionKey(wanted))
      } else if (!this.#isUnderWay(plan)) planned.push(plan)
    }
    if (failed.size > 0) await withdrawWanted(this.#tools, (entry) => failed.has(partitionKey(entry)))
    await this.#begin(planned)
  }

  #isUnderWay({ known, to }: PlannedMove): boolean {
    const move = this.#moves.get(known)
    return move !== undefined && isSameAssignment(move.stored, to)
  }

  #plan(wanted: WantedMove, mayBeAbsent = false): PlannedMove | KafkaError {
    try {
      return planMove(wanted, this.#tools.context, (known) => this.#storedOf(known), mayBeAbsent)
    } catch (error) {
      if (error instanceof KafkaError) return error
      throw error
    }
  }

  #storedOf(known: KnownPartition): Assignment {
    return this.#moves.get(known)?.stored ?? known.assignment
  }

  /** ZooKeeper first; gives what could not be begun. */
  async #begin(planned: readonly PlannedMove[]): Promise<Map<KnownPartition, KafkaError>> {
    const refused = new Map<KnownPartition, KafkaError>()
    const begun: Move[] = []
    for (const [topic, plans] of Map.groupBy(planned, ({ known }) => known.topic)) {
      try {
        await writeAssignments(this.#tools, topic, new Map(plans.map(({ known, to }) => [known.partition, to])))
        begun.push(...plans.map(({ known, to }) => this.#adopt(known, to)))
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        for (const { known } of plans) refused.set(known, error)
      }
    }
    await this.#advance(begun)
    return refused
  }

  #adopt(known: KnownPartition, to: Assignment): Move {
    const before = this.#moves.get(known)
    const old = new Set([...(before?.unneeded ?? []), ...this.#storedOf(known).replicas])
    const unneeded = [...old].filter((id) => !to.replicas.includes(id))
    const move = before ?? { known, stored: to, progress: 'nothing', unneeded, over: new AbortController() }
    Object.assign(move, { stored: to, progress: 'nothing', unneeded })
    this.#tools.context.assign(known, to)
    this.#moves.set(known, move)
    if (!before) void this.#watch(move)
    return move
  }

  /** Leaders write the in-sync set at once and tell of it later, in bulk; a move goes on at once. */
  async #watch({ known, over }: Move): Promise<void> {
    const { zookeeper, queue, logger } = this.#tools
    const { topic, partition } = known
    try {
      for await (const read of watchData(zookeeper, partitionStateZnode.path(topic, partition), { signal: over.signal })) {
        const data = read?.data
        if (!data || over.signal.aborted) continue
        const leadership = { ...partitionStateZnode.decode(topic, partition, data), version: read.stat.version }
        await queue.tell('the in-sync set of a partition that moves', () => {
          if (over.signal.aborted) return
          if (leadership.version > (known.leadership?.version ?? -1)) known.leadership = leadership
          return this.isrChanged([known])
        })
      }
    } catch (err) {
      if (!isZooKeeperError(err)) logger.error({ topic, partition, err }, 'a partition that moves is no longer watched')
    }
  }

  /** Takes every step that can be taken now. */
  async #advance(moves: Iterable<Move>): Promise<void> {
    const { partitions, queue } = this.#tools
    for (const move of this.#moves.values()) if (this.#tools.context.partition(move.known) !== move.known) this.#forget(move)
    const all = [...moves].filter(({ known }) => this.#moves.has(known))
    const leaderless = all.filter(({ known, unneeded }) => !known.leadership || unneeded.includes(known.leadership.leader))
    if (leaderless.length > 0) {
      await partitions.online(
        leaderless.map(({ known }) => known),
        OFFLINE,
      )
    }
    const byStep = Map.groupBy(all, (move) => this.#nextStep(move))
    await this.#announce(byStep.get('announce') ?? [])
    await this.#conclude(byStep.get('conclude') ?? [])
    // Under the new leader epoch, or their brokers would take them for overtaken.
    for (const move of all.filter(({ unneeded, progress }) => unneeded.length > 0 && progress !== 'nothing')) {
      await this.#drop(move.known, move.unneeded)
      move.unneeded = []
    }
    if (all.some(({ progress }) => progress === 'concluded')) void queue.tell('reassignments that are done', () => this.#finish())
  }

  #nextStep({ known, stored, progress }: Move): Step {
    return nextStep(stored, { state: known.leadership, progress, isOnline: (id) => this.#tools.context.isOnline(id, known) })
  }

  async #announce(moves: readonly Move[]): Promise<void> {
    const { partitions, replicas } = this.#tools
    if (moves.length === 0) return
    await partitions.renew(moves.map(({ known }) => known))
    replicas.create(this.#replicas(moves, ({ adding }) => adding).filter((replica) => replicas.stateOf(replica) === 'NON_EXISTENT'))
    for (const move of moves) move.progress = 'announced'
  }

  /** Nobody of the target may lead any more by the time it is asked: then all stays as it was. */
  async #conclude(moves: readonly Move[]): Promise<void> {
    const { partitions, replicas, context } = this.#tools
    if (moves.length === 0) return
    const added = this.#replicas(moves, ({ adding }) => adding)
    replicas.online(added.filter((replica) => replicas.stateOf(replica) === 'NEW'))
    for (const { known, stored } of moves) context.assign(known, settledOn(targetOf(stored)))
    const keepsLeader = ({ known }: Move) => known.assignment.replicas.includes(known.leadership!.leader) && context.hasOnlineLeader(known)
    const [led, unled] = [moves.filter(keepsLeader), moves.filter((move) => !keepsLeader(move))]
    await partitions.renew(led.map(({ known }) => known))
    const { failed } = await partitions.online(
      unled.map(({ known }) => known),
      { type: 'reassign' },
    )
    for (const { known, stored } of unled) if (failed.includes(known)) context.assign(known, stored)
    const done = moves.filter(({ known }) => !failed.includes(known))
    await this.#remove(this.#replicas(done, ({ removing }) => removing))
    for (const move of done) move.progress = 'concluded'
  }

  /** Behind the event in which the leaving brokers were told to delete their replicas. */
  async #finish(): Promise<void> {
    const done = [...this.#moves.values()].filter(({ progress }) => progress === 'concluded')
    if (done.length === 0) return
    for (const [topic, moves] of Map.groupBy(done, ({ known }) => known.topic)) {
      const assignments = new Map(moves.map(({ known, stored }) => [known.partition, settledOn(targetOf(stored))]))
      await writeAssignments(this.#tools, topic, assignments).catch((error: unknown) => {
        if (!(error instanceof KafkaError)) throw error
      })
    }
    const targets = new Map(done.map(({ known, stored }) => [partitionKey(known), String(targetOf(stored))]))
    await withdrawWanted(this.#tools, (entry) => targets.get(partitionKey(entry)) === String(entry.replicas))
    for (const move of done) {
      this.#forget(move)
      const { topic, partition, assignment } = move.known
      this.#tools.logger.info({ topic, partition, replicas: assignment.replicas }, 'a partition has moved')
    }
    this.#tools.requests.updateMetadata(done.map(({ known }) => known))
  }

  #forget(move: Move): void {
    move.over.abort()
    this.#moves.delete(move.known)
  }

  async #dropStrangers(partitions: Iterable<KnownPartition>): Promise<void> {
    const { context } = this.#tools
    for (const known of partitions) {
      const { leadership, assignment } = known
      if (!leadership || context.isToBeDeleted(known)) continue
      const strangers = strangersIn(assignment, leadership)
      const canStay = leadership.isr.some((id) => assignment.replicas.includes(id) && context.isOnline(id, known))
      if (strangers.length > 0 && canStay) await this.#drop(known, strangers)
    }
  }

  /** Takes the partition from brokers that are not, or no longer, part of its assignment. */
  async #drop(known: KnownPartition, brokers: readonly number[]): Promise<void> {
    const { partitions, replicas } = this.#tools
    const dropped = brokers.map((brokerId) => ({ known, brokerId }))
    replicas.create(dropped.filter((replica) => replicas.stateOf(replica) === 'NON_EXISTENT'))
    if (known.leadership && brokers.includes(known.leadership.leader)) await partitions.online([known], OFFLINE)
    await this.#remove(dropped)
  }

  async #remove(leaving: readonly Replica[]): Promise<void> {
    const { replicas, context } = this.#tools
    const present = leaving.filter((replica) => replicas.stateOf(replica) !== 'NON_EXISTENT')
    await replicas.offline(present)
    replicas.startDeletion(present)
    // As in Kafka nobody waits for the answers.
    this.#left.push(...present.filter(({ brokerId }) => !context.brokers.has(brokerId)))
    replicas.mark(present, 'DELETION_SUCCESSFUL')
    replicas.forget(present)
  }

  #replicas(moves: readonly Move[], which: (stored: Assignment) => readonly number[]): Replica[] {
    return moves.flatMap(({ known, stored }) => which(stored).map((brokerId) => ({ known, brokerId })))
  }
}

export const makeReassignments = (tools: TermTools): Reassignments => new Reassignments(tools)
