import { expect, test } from 'vitest'
import type { AppendOrigin } from '../../src/log/log-types.ts'
import { formatSnapshot, parseSnapshot } from '../../src/log/producer-snapshot.ts'
import { ProducerStates } from '../../src/log/producer-states.ts'
import { buildBatch, type BatchFields } from '../../src/protocol/records/build-batch.ts'
import { buildMarker } from '../../src/protocol/records/control-record.ts'

const MAX_SEQUENCE = 0x7fff_ffff
const batch = (baseOffset: number, baseSequence: number, fields: BatchFields & { count?: number } = {}): Buffer => {
  const { count = 1, ...more } = fields
  const records = Array.from({ length: count }, () => ({ key: null, value: 'v', timestamp: 1000 + baseOffset }))
  return buildBatch(records, { baseOffset, baseSequence, producerId: 1, producerEpoch: 0, ...more })
}
const marker = (baseOffset: number, type: 'abort' | 'commit', producerId = 1, coordinatorEpoch = 0): Buffer =>
  buildMarker({ type, coordinatorEpoch }, { timestamp: 2000, producerId, producerEpoch: 0, baseOffset })

const append = (states: ProducerStates, records: Buffer, origin: AppendOrigin = 'client') => {
  const changes = states.check(records, origin)
  if (changes?.duplicate) return changes.duplicate.offset
  return changes ? states.apply(changes) : []
}
const errorOf = (call: () => unknown): string | undefined => {
  try {
    call()
    return undefined
  } catch (thrown) {
    return (thrown as { error: string }).error
  }
}

test('five batches are known again, the sixth last is out of order', () => {
  const states = new ProducerStates('t-0')
  for (let n = 0; n < 6; n++) append(states, batch(10 * n, n))
  for (let n = 1; n < 6; n++) expect(append(states, batch(99, n))).toBe(10 * n)
  expect(errorOf(() => append(states, batch(99, 0)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(errorOf(() => append(states, batch(99, 4, { count: 2 })))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
})

test('sequences go on at 0 after 2^31 - 1, within a batch too', () => {
  const states = new ProducerStates('t-0')
  append(states, batch(0, MAX_SEQUENCE - 1, { count: 3 }))
  expect(states.get(1)!.last!.lastSequence).toBe(0)
  append(states, batch(3, 1))
  expect(append(states, batch(9, MAX_SEQUENCE - 1, { count: 3 }))).toBe(2)
  const exact = new ProducerStates('t-0')
  append(exact, batch(0, MAX_SEQUENCE))
  expect(errorOf(() => append(exact, batch(1, 1)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  append(exact, batch(1, 0))
})

test('a refused batch leaves the state as it was', () => {
  const states = new ProducerStates('t-0')
  append(states, batch(0, 0))
  const before = formatSnapshot(states.entries())
  expect(errorOf(() => append(states, batch(1, 5)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(errorOf(() => append(states, batch(1, 1, { producerEpoch: 1 })))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(errorOf(() => append(states, batch(1, 1, { producerEpoch: -1 })))).toBe('INVALID_PRODUCER_EPOCH')
  expect(formatSnapshot(states.entries())).toEqual(before)
})

test('what a leader stored is taken without a question: gaps, older epochs, several batches of a producer at once', () => {
  const states = new ProducerStates('t-0')
  append(states, Buffer.concat([batch(0, 0, { producerEpoch: 3 }), batch(1, 7), batch(2, 9)]), 'replication')
  expect(states.get(1)).toMatchObject({ epoch: 0 })
  expect(states.get(1)!.batches.map(({ lastSequence }) => lastSequence)).toEqual([7, 9])
})

test('offsets of transactions, which have no sequence, are remembered without one', () => {
  const states = new ProducerStates('t-0')
  append(states, batch(0, -1, { count: 4, isTransactional: true }), 'replication')
  expect(states.get(1)!.last).toMatchObject({ lastSequence: -1, offset: 3, offsetDelta: 3 })
})

test('an abort is noted with how far readers may go, also where the marker is all that there is', () => {
  const states = new ProducerStates('t-0')
  append(states, batch(0, 0, { isTransactional: true }))
  append(states, batch(1, 0, { isTransactional: true, producerId: 2 }))
  expect(append(states, marker(2, 'abort'), 'coordinator')).toMatchObject([
    { firstOffset: 0, lastOffset: 2, isAborted: true, lastStableOffset: 1 },
  ])
  expect(append(states, marker(3, 'abort', 3), 'coordinator')).toMatchObject([{ firstOffset: 3, lastOffset: 3, lastStableOffset: 1 }])
  expect(states.firstUnstableOffset).toBe(0)
  states.highWatermarkMoved(3)
  expect(states.firstUnstableOffset).toBe(1)
  append(states, marker(4, 'commit', 2), 'coordinator')
  states.highWatermarkMoved(5)
  expect(states.firstUnstableOffset).toBeUndefined()
})

test('a producer\u2019s next transaction in the same append does not count for the end of the one before', () => {
  const states = new ProducerStates('t-0')
  const records = [batch(0, 0, { isTransactional: true }), marker(1, 'abort'), batch(2, 1, { isTransactional: true })]
  expect(append(states, Buffer.concat(records), 'replication')).toMatchObject([{ firstOffset: 0, lastOffset: 1, lastStableOffset: 2 }])
  expect(states.firstUnstableOffset).toBe(0)
  states.highWatermarkMoved(2)
  expect(states.firstUnstableOffset).toBe(2)
})

test('an empty control batch, as compaction leaves it, ends nothing', () => {
  const states = new ProducerStates('t-0')
  append(states, batch(0, 0, { isTransactional: true }))
  const empty = Buffer.from(marker(1, 'abort').subarray(0, 61))
  empty.writeInt32BE(61 - 12, 8)
  empty.writeInt32BE(0, 57)
  expect(append(states, empty, 'replication')).toEqual([])
  expect(states.firstUnstableOffset).toBe(0)
})

test('an old coordinator and records outside of the transaction are refused', () => {
  const states = new ProducerStates('t-0')
  append(states, batch(0, 0, { isTransactional: true }))
  expect(errorOf(() => append(states, batch(1, 1)))).toBe('INVALID_TXN_STATE')
  append(states, marker(1, 'commit', 1, 5), 'coordinator')
  expect(errorOf(() => append(states, marker(2, 'commit', 1, 4), 'coordinator'))).toBe('TRANSACTION_COORDINATOR_FENCED')
})

test('who has not written for long is forgotten, unless a transaction is open; a marker counts as writing', () => {
  const states = new ProducerStates('t-0')
  append(states, batch(0, 0))
  append(states, batch(1, 0, { producerId: 2, isTransactional: true }))
  append(states, batch(2, 0, { producerId: 3, isTransactional: true }))
  append(states, marker(3, 'commit', 3, 9), 'coordinator')
  expect(states.expire(1000 + 700, 700)).toBe(1)
  expect([1, 2, 3].map((id) => states.get(id) !== undefined)).toEqual([false, true, true])
  expect(states.expire(2000 + 700, 700)).toBe(1)
  expect(states.get(2)).toBeDefined()
})

test('a snapshot gives the same state back, but for all batches before the last', () => {
  const states = new ProducerStates('t-0')
  append(states, batch(0, 0))
  append(states, batch(1, 1, { count: 3 }))
  append(states, batch(4, 0, { producerId: 2n ** 60n, isTransactional: true }))
  append(states, marker(5, 'commit', 7, 3), 'coordinator')
  const bytes = formatSnapshot(states.entries())
  expect(bytes.length).toBe(10 + 3 * 46)
  const again = new ProducerStates('t-0', parseSnapshot(bytes))
  expect(formatSnapshot(again.entries())).toEqual(bytes)
  expect(again.firstUnstableOffset).toBe(4)
  expect(append(again, batch(9, 1, { count: 3 }))).toBe(3)
  expect(errorOf(() => append(again, batch(9, 0)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1
    expect(() => parseSnapshot(damaged)).toThrow()
  }
})
