import { describe, expect, test } from 'vitest'
import { mayPartitionBecome, PARTITION_TRANSITIONS, type PartitionState } from '../../../src/broker/controller/partition-states.ts'
import { mayReplicaBecome, REPLICA_TRANSITIONS, type ReplicaState } from '../../../src/broker/controller/replica-states.ts'

/** Kafka 2.6.3: for each state, those it may come from (kafka.controller.PartitionState and ReplicaState, validPreviousStates). */
const PARTITION_PREVIOUS: Record<PartitionState, PartitionState[]> = {
  NEW: ['NON_EXISTENT'],
  ONLINE: ['NEW', 'ONLINE', 'OFFLINE'],
  OFFLINE: ['NEW', 'ONLINE', 'OFFLINE'],
  NON_EXISTENT: ['OFFLINE'],
}
const REPLICA_PREVIOUS: Record<ReplicaState, ReplicaState[]> = {
  NEW: ['NON_EXISTENT'],
  ONLINE: ['NEW', 'ONLINE', 'OFFLINE', 'DELETION_INELIGIBLE'],
  OFFLINE: ['NEW', 'ONLINE', 'OFFLINE', 'DELETION_INELIGIBLE'],
  DELETION_STARTED: ['OFFLINE'],
  DELETION_SUCCESSFUL: ['DELETION_STARTED'],
  DELETION_INELIGIBLE: ['OFFLINE', 'DELETION_STARTED'],
  NON_EXISTENT: ['DELETION_SUCCESSFUL'],
}
const pairs = <S extends string>(states: readonly S[]) => states.flatMap((from) => states.map((to) => [from, to] as const))

describe('every step from one state to another is allowed or not as in Kafka', () => {
  test.each(pairs(Object.keys(PARTITION_TRANSITIONS) as PartitionState[]))('of a partition: %s to %s', (from, to) => {
    expect(mayPartitionBecome(from, to)).toBe(PARTITION_PREVIOUS[to].includes(from))
  })
  test.each(pairs(Object.keys(REPLICA_TRANSITIONS) as ReplicaState[]))('of a replica: %s to %s', (from, to) => {
    expect(mayReplicaBecome(from, to)).toBe(REPLICA_PREVIOUS[to].includes(from))
  })
})
