import type { TopicPartition } from '../../base/topic-partition.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'
import { watchData } from '../../zookeeper/watching.ts'
import { preferredElectionZnode } from '../metadata/znodes/admin.ts'
import { ZnodeError } from '../metadata/znodes/json.ts'
import type { KnownPartition } from './context.ts'
import type { ElectionStrategy } from './elections.ts'
import { type ElectionType, imbalanced, needsElection } from './preferred-leaders.ts'
import { writeAsController } from './state-writes.ts'
import type { TermPart, TermTools } from './term-part.ts'

const STRATEGIES: Readonly<Record<ElectionType, ElectionStrategy>> = {
  PREFERRED: { type: 'preferred' },
  UNCLEAN: { type: 'offline', allowsUnclean: true },
}
/** What Kafka calls them in its answers. */
const STRATEGY_NAMES: Readonly<Record<ElectionType, string>> = {
  PREFERRED: 'PreferredReplicaPartitionLeaderElectionStrategy',
  UNCLEAN: 'OfflinePartitionLeaderElectionStrategy(true)',
}
/** After a change of the controller the cluster comes to rest first. Source: KafkaController.onControllerFailover. */
const FIRST_BALANCE_MS = 5000

const refusal = (type: ElectionType, { topic, partition }: TopicPartition): KafkaError =>
  new KafkaError(
    type === 'PREFERRED' ? 'PREFERRED_LEADER_NOT_AVAILABLE' : 'ELIGIBLE_LEADERS_NOT_AVAILABLE',
    `Failed to elect leader for partition ${topic}-${partition} under strategy ${STRATEGY_NAMES[type]}`,
  )

/** Elections that somebody asks for, by request or by ZooKeeper, and those that bring leaders back to their preferred brokers. */
export class LeaderElections implements TermPart {
  readonly #tools: TermTools

  constructor(tools: TermTools) {
    this.#tools = tools
  }

  /** For each partition the leader that it got, or why it did not get one: ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE and others. */
  elect(type: ElectionType, wanted: readonly TopicPartition[]): Promise<(KafkaError | number)[]> {
    let plans: (KnownPartition | KafkaError)[] | undefined
    return this.#tools.queue.ask(async () => {
      const decided = (plans ??= wanted.map((at) => this.#candidate(type, at)))
      const candidates = decided.flatMap((plan) => (plan instanceof KafkaError ? [] : [plan]))
      const elected = new Set((await this.#tools.partitions.online(candidates, STRATEGIES[type])).elected)
      return decided.map((plan) => {
        if (plan instanceof KafkaError) return plan
        return elected.has(plan) ? plan.leadership!.leader : refusal(type, plan)
      })
    })
  }

  async follow(ended: Promise<void>): Promise<void> {
    const over = new AbortController()
    void ended.then(() => over.abort())
    await Promise.all([this.#followZnode(over.signal), this.#balance(over.signal)])
  }

  #candidate(type: ElectionType, at: TopicPartition): KnownPartition | KafkaError {
    const { context } = this.#tools
    const known = context.partition(at)
    if (!known) return new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'The partition does not exist.')
    if (context.isToBeDeleted(known)) return new KafkaError('INVALID_TOPIC_EXCEPTION', 'The topic is being deleted')
    return needsElection(type, known, context) ? known : new KafkaError('ELECTION_NOT_NEEDED')
  }

  async #followZnode(signal: AbortSignal): Promise<void> {
    const { zookeeper, queue } = this.#tools
    for await (const read of watchData(zookeeper, preferredElectionZnode.path, { signal })) {
      const data = read?.data
      if (data) await queue.tell('elections wanted by ZooKeeper', () => this.#electWanted(data, read.stat.version))
    }
  }

  async #electWanted(data: Buffer, version: number): Promise<void> {
    const { zookeeper, context, partitions } = this.#tools
    const candidates = this.#wanted(data).flatMap((at) => {
      const plan = this.#candidate('PREFERRED', at)
      return plan instanceof KafkaError ? [] : [plan]
    })
    await partitions.online(candidates, STRATEGIES.PREFERRED)
    const dropped = writeAsController(zookeeper, context, [{ type: 'delete', path: preferredElectionZnode.path, version }])
    await unlessRefused(dropped, 'BAD_VERSION', 'NO_NODE')
  }

  #wanted(data: Buffer): TopicPartition[] {
    try {
      return preferredElectionZnode.decode(data)
    } catch (err) {
      if (!(err instanceof ZnodeError)) throw err
      this.#tools.logger.warn({ err }, 'the wanted elections cannot be read; they are dropped')
      return []
    }
  }

  async #balance(signal: AbortSignal): Promise<void> {
    const { config, clock, queue, context, partitions, logger } = this.#tools
    if (!config().get('auto.leader.rebalance.enable')) return
    let pauseMs = FIRST_BALANCE_MS
    while (!signal.aborted) {
      await clock.sleep(pauseMs, signal).catch(() => {})
      if (signal.aborted) return
      await queue.tell('the balance of leaders', async () => {
        const away = imbalanced(context, config().get('leader.imbalance.per.broker.percentage'))
        if (away.length === 0) return
        logger.info({ partitions: away.length }, 'leaderships go back to preferred replicas')
        await partitions.online(away, STRATEGIES.PREFERRED)
      })
      pauseMs = Number(config().get('leader.imbalance.check.interval.seconds')) * 1000
    }
  }
}

export const makeLeaderElections = (tools: TermTools): LeaderElections => new LeaderElections(tools)
