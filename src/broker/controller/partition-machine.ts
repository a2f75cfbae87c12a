import type { Logger } from '../../base/logger.ts'
import type { BrokerRequests } from './broker-requests.ts'
import type { ControllerContext, KnownPartition } from './context.ts'
import { elect, electAfterBounce, type ElectionStrategy } from './elections.ts'
import { mayPartitionBecome, type PartitionState } from './partition-states.ts'
import type { LeadershipWriter, StateChange } from './state-writes.ts'

export type PartitionMachineOptions = {
  context: ControllerContext
  writer: LeadershipWriter
  requests: BrokerRequests
  /** The topic's unclean.leader.election.enable, from ZooKeeper. */
  isUncleanAllowed: (topic: string) => Promise<boolean>
  logger: Logger
}
/** `failed`: nobody can lead by the strategy; nothing was changed. */
export type Elections = { elected: readonly KnownPartition[]; failed: readonly KnownPartition[] }

/**
 * Moves partitions between their states, and with ONLINE gives them leaders: in ZooKeeper first, then in what the brokers will be told. A partition for which the
 * table allows no such step is logged and left alone; one that is there already goes through it again.
 */
export class PartitionMachine {
  readonly #options: PartitionMachineOptions

  constructor(options: PartitionMachineOptions) {
    this.#options = options
  }

  /** What a new term finds: a partition that was led is ONLINE while its leader lives. */
  initialize(partitions: Iterable<KnownPartition>): void {
    for (const known of partitions) {
      const led = this.#options.context.hasOnlineLeader(known) ? 'ONLINE' : 'OFFLINE'
      known.state = known.leadership ? led : 'NEW'
    }
  }

  /** `to`: NEW, OFFLINE or NON_EXISTENT, which need no leader. */
  move(partitions: Iterable<KnownPartition>, to: Exclude<PartitionState, 'ONLINE'>): void {
    for (const known of this.#allowed(partitions, to)) known.state = to
  }

  /** Elects a leader for each; a NEW one gets its live replicas. */
  async online(partitions: Iterable<KnownPartition>, strategy: ElectionStrategy): Promise<Elections> {
    const { writer } = this.#options
    const elected = new Set<KnownPartition>()
    const failed = new Set<KnownPartition>()
    let remaining = this.#allowed(partitions, 'ONLINE')
    await writer.refresh(remaining)
    while (remaining.length > 0) {
      const unclean = await this.#uncleanAllowed(remaining, strategy)
      const changes: StateChange[] = []
      for (const known of remaining) {
        const change = this.#decide(known, strategy, unclean.has(known.topic))
        if (change === 'keep') this.#became(known, elected)
        else if (change) changes.push(change)
        else failed.add(known)
      }
      const isNew = new Set(changes.filter(({ known }) => !known.leadership).map(({ known }) => known))
      const versions = new Map(changes.map(({ known }) => [known, known.leadership?.version]))
      const { written, failure } = await writer.write(changes)
      for (const { known } of written) this.#became(known, elected, isNew.has(known))
      if (failure !== undefined) throw failure
      const refused = changes.map(({ known }) => known).filter((known) => !elected.has(known))
      remaining = refused.filter((known) => known.leadership?.version !== versions.get(known))
      for (const known of refused) if (!remaining.includes(known)) failed.add(known)
    }
    for (const { topic, partition } of failed)
      this.#options.logger.warn({ topic, partition, strategy: strategy.type }, 'no leader can be elected: no eligible replica is alive')
    return { elected: [...elected], failed: [...failed] }
  }

  /** Gives the partitions the next leader epoch with the leader that they have, so that their replicas take a new assignment. */
  async renew(partitions: Iterable<KnownPartition>): Promise<void> {
    let remaining = [...partitions].filter(({ leadership }) => leadership)
    while (remaining.length > 0) {
      const versions = new Map(remaining.map((known) => [known, known.leadership!.version]))
      const { written, failure } = await this.#options.writer.write(
        remaining.map((known) => ({ known, state: this.#next(known, { leader: known.leadership!.leader, isr: known.leadership!.isr }) })),
      )
      const done = new Set(written.map(({ known }) => known))
      for (const known of done) this.#tell(known, false)
      if (failure !== undefined) throw failure
      remaining = remaining.filter((known) => !done.has(known) && known.leadership && known.leadership.version !== versions.get(known))
    }
  }

  #decide(known: KnownPartition, strategy: ElectionStrategy, isUncleanAllowed: boolean): StateChange | 'keep' | undefined {
    const { context } = this.#options
    if (!known.leadership) return this.#first(known)
    // Another controller wrote it, and had no time to tell.
    if (known.state === 'NEW' && context.hasOnlineLeader(known)) return 'keep'
    const { leader: current } = known.leadership
    const electorate = context.electorate(known)
    const choice =
      strategy.type === 'missed-bounce'
        ? electAfterBounce(electorate, current, (id) => strategy.bounced(known, id))
        : elect(strategy, electorate, isUncleanAllowed)
    if (!choice) return undefined
    if (!known.leadership.isr.includes(choice.leader)) {
      const { topic, partition } = known
      const { leader } = choice
      context.uncleanElections++
      this.#options.logger.error(
        { topic, partition, leader, isr: known.leadership.isr },
        'unclean election: acknowledged records may be lost',
      )
    }
    return { known, state: this.#next(known, choice) }
  }

  #first(known: KnownPartition): StateChange | undefined {
    const { context } = this.#options
    const isr = known.assignment.replicas.filter((id) => context.isOnline(id, known))
    const [leader] = isr
    return leader === undefined ? undefined : { known, state: { leader, isr, leaderEpoch: 0, controllerEpoch: context.epoch } }
  }

  #next(known: KnownPartition, { leader, isr }: { leader: number; isr: readonly number[] }) {
    return { leader, isr, leaderEpoch: known.leadership!.leaderEpoch + 1, controllerEpoch: this.#options.context.epoch }
  }

  #became(known: KnownPartition, elected: Set<KnownPartition>, isNew = false): void {
    known.state = 'ONLINE'
    elected.add(known)
    this.#tell(known, isNew)
  }

  #tell(known: KnownPartition, isNew: boolean): void {
    const { context, requests } = this.#options
    const reachable = known.assignment.replicas.filter((id) => context.isReachable(id, known))
    requests.leaderAndIsr(reachable, known, isNew)
  }

  /** Topics whose partitions without a live in-sync replica may be led by another one. */
  async #uncleanAllowed(partitions: readonly KnownPartition[], strategy: ElectionStrategy): Promise<ReadonlySet<string>> {
    if (strategy.type !== 'offline' || strategy.allowsUnclean) return new Set()
    const { context, isUncleanAllowed } = this.#options
    const hasNone = (known: KnownPartition) => known.leadership && !known.leadership.isr.some((id) => context.isOnline(id, known))
    const topics = [...new Set(partitions.filter(hasNone).map(({ topic }) => topic))]
    const answers = await Promise.all(topics.map(isUncleanAllowed))
    return new Set(topics.filter((_topic, index) => answers[index]))
  }

  #allowed(partitions: Iterable<KnownPartition>, to: PartitionState): KnownPartition[] {
    return [...new Set(partitions)].filter((known) => {
      const isAllowed = known.state === to || mayPartitionBecome(known.state, to)
      if (!isAllowed) {
        const { topic, partition, state } = known
        this.#options.logger.error({ topic, partition, from: state, to }, 'a partition cannot change its state so')
      }
      return isAllowed
    })
  }
}
