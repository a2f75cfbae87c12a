import type { Logger } from '../../base/logger.ts'
import type { BrokerRequests } from './broker-requests.ts'
import type { ControllerContext, KnownPartition } from './context.ts'
import { withoutReplicas } from './elections.ts'
import { mayReplicaBecome, type ReplicaState } from './replica-states.ts'
import type { LeadershipWriter } from './state-writes.ts'

export type Replica = { known: KnownPartition; brokerId: number }
export type ReplicaMachineOptions = { context: ControllerContext; writer: LeadershipWriter; requests: BrokerRequests; logger: Logger }

export const replicasOf = (partitions: Iterable<KnownPartition>): Replica[] =>
  [...partitions].flatMap((known) => known.assignment.replicas.map((brokerId) => ({ known, brokerId })))

/** Moves replicas between their states and notes what their brokers must be told of it. A step that the table does not allow is logged and left out; one that was done is done again. */
export class ReplicaMachine {
  readonly #options: ReplicaMachineOptions

  constructor(options: ReplicaMachineOptions) {
    this.#options = options
  }

  stateOf({ known, brokerId }: Replica): ReplicaState {
    return known.replicaStates.get(brokerId) ?? 'NON_EXISTENT'
  }

  /** What a new term finds: a replica that is not online cannot be deleted before it is back. */
  initialize(partitions: Iterable<KnownPartition>): void {
    const { context } = this.#options
    for (const { known, brokerId } of replicasOf(partitions))
      known.replicaStates.set(brokerId, context.isOnline(brokerId, known) ? 'ONLINE' : 'DELETION_INELIGIBLE')
  }

  /** New ones: of a partition that is led already, the broker makes its log. */
  create(replicas: readonly Replica[]): void {
    const { requests, logger } = this.#options
    for (const { known, brokerId } of this.#move(replicas, 'NEW')) {
      if (known.leadership?.leader === brokerId)
        logger.error({ topic: known.topic, partition: known.partition, brokerId }, 'a replica cannot be new and lead')
      else if (known.leadership) requests.leaderAndIsr([brokerId], known, true)
    }
  }

  /** Their brokers are told who leads. */
  online(replicas: readonly Replica[]): void {
    const wereNew = new Set(replicas.filter((replica) => this.stateOf(replica) === 'NEW'))
    for (const replica of this.#move(replicas, 'ONLINE')) {
      const { known, brokerId } = replica
      if (!wereNew.has(replica) && known.leadership) this.#options.requests.leaderAndIsr([brokerId], known, false)
    }
  }

  /** They stop, and leave the in-sync sets (but not of topics that are to be deleted); the others are told. A leader that is among them is not replaced: that is the partition machine's. */
  async offline(replicas: readonly Replica[]): Promise<void> {
    const { context, requests } = this.#options
    const moved = this.#move(replicas, 'OFFLINE')
    for (const { known, brokerId } of moved) requests.stopReplica([brokerId], known, false)
    const gone = new Map<KnownPartition, Set<number>>()
    for (const { known, brokerId } of moved)
      if (!context.isToBeDeleted(known)) gone.set(known, (gone.get(known) ?? new Set()).add(brokerId))
    await this.#shrink(gone)
  }

  startDeletion(replicas: readonly Replica[]): void {
    for (const { known, brokerId } of this.#move(replicas, 'DELETION_STARTED')) this.#options.requests.stopReplica([brokerId], known, true)
  }

  /** `to`: what only the controller needs to know. */
  mark(replicas: readonly Replica[], to: 'DELETION_SUCCESSFUL' | 'DELETION_INELIGIBLE'): void {
    this.#move(replicas, to)
  }

  /** After a successful deletion: the replica is no longer part of the assignment. */
  forget(replicas: readonly Replica[]): void {
    for (const { known, brokerId } of this.#move(replicas, 'NON_EXISTENT')) {
      const { replicas: all, adding, removing } = known.assignment
      const without = (ids: readonly number[]) => ids.filter((id) => id !== brokerId)
      this.#options.context.assign(known, { replicas: without(all), adding: without(adding), removing: without(removing) })
      known.replicaStates.delete(brokerId)
    }
  }

  async #shrink(gone: ReadonlyMap<KnownPartition, ReadonlySet<number>>): Promise<void> {
    const { context, writer, requests } = this.#options
    let remaining = [...gone]
    await writer.refresh([...gone.keys()])
    while (remaining.length > 0) {
      const changes = remaining.flatMap(([known, ids]) => {
        const rest = known.leadership && withoutReplicas(known.leadership, (id) => ids.has(id))
        if (!rest) return []
        return [{ known, state: { ...rest, leaderEpoch: known.leadership!.leaderEpoch + 1, controllerEpoch: context.epoch } }]
      })
      const versions = new Map(changes.map(({ known }) => [known, known.leadership!.version]))
      const outcome = await writer.write(changes)
      const written = new Set(outcome.written.map(({ known }) => known))
      for (const known of written) this.#tellOthers(known, gone.get(known)!)
      if (outcome.failure !== undefined) throw outcome.failure
      remaining = remaining.filter(
        ([known]) => versions.has(known) && !written.has(known) && known.leadership?.version !== versions.get(known),
      )
    }
    requests.updateMetadata([...gone.keys()].filter(({ leadership }) => leadership))
  }

  #tellOthers(known: KnownPartition, gone: ReadonlySet<number>): void {
    this.#options.requests.leaderAndIsr(
      known.assignment.replicas.filter((id) => !gone.has(id)),
      known,
      false,
    )
  }

  #move(replicas: readonly Replica[], to: ReplicaState): Replica[] {
    return replicas.filter((replica) => {
      const from = this.stateOf(replica)
      const { known, brokerId } = replica
      const isAllowed = from === to || mayReplicaBecome(from, to)
      if (isAllowed) known.replicaStates.set(brokerId, to)
      else
        this.#options.logger.error(
          { topic: known.topic, partition: known.partition, brokerId, from, to },
          'a replica cannot change its state so',
        )
      return isAllowed
    })
  }
}
