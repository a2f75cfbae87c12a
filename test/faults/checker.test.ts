import { expect, test } from 'vitest'
import { check, figures } from './checker.ts'
import { emptyHistory, type History, type Poll, type Send } from './history.ts'

const at = { topic: 'orders', partition: 0 }

const send = (value: string, offset: number, more: Partial<Send> = {}): Send => ({
  ...at,
  producer: 'p',
  value,
  sequence: offset,
  outcome: 'acknowledged',
  offset,
  startMs: offset * 10,
  endMs: offset * 10 + 5,
  ...more,
})
const poll = (fetchOffset: number, values: readonly string[], more: Partial<Poll> = {}): Poll => ({
  ...at,
  reader: 'r',
  isMember: false,
  fetchOffset,
  highWatermark: 100,
  records: values.map((value, index) => ({ offset: fetchOffset + index, value })),
  startMs: 1000 + fetchOffset,
  endMs: 1000.5 + fetchOffset,
  ...more,
})
const logOf = (values: readonly string[], more: Partial<History['finalLogs'][number]> = {}): History['finalLogs'][number] => ({
  ...at,
  startOffset: 0,
  highWatermark: values.length,
  records: values.map((value, offset) => ({ offset, value })),
  ...more,
})
const replica = (brokerId: number, digests: readonly string[]): History['replicas'][number] => ({
  ...at,
  brokerId,
  startOffset: 0,
  batches: digests.map((digest, offset) => ({ baseOffset: offset, lastOffset: offset, digest })),
})

/** a, b and c were sent, acknowledged, read and kept by three replicas. */
const sound = (change: Partial<History> = {}): History => ({
  ...emptyHistory(),
  idempotentTopics: ['orders'],
  sends: [send('a', 0), send('b', 1), send('c', 2)],
  polls: [poll(0, ['a', 'b']), poll(2, ['c'])],
  commits: [{ ...at, group: 'g', offset: 2, outcome: 'acknowledged', startMs: 10, endMs: 20 }],
  committed: [{ ...at, group: 'g', offset: 2, startMs: 30, endMs: 31 }],
  finalLogs: [logOf(['a', 'b', 'c'])],
  replicas: [replica(0, ['x', 'y', 'z']), replica(1, ['x', 'y', 'z']), replica(2, ['x', 'y', 'z', 'beyond the high watermark'])],
  healing: [{ ...at, afterMs: 3000, state: 'in sync' }],
  ...change,
})
const kinds = (history: History): string[] => [...new Set(check(history).map(({ kind }) => kind))]

test('a sound history has no anomaly', () => {
  expect(check(sound())).toEqual([])
  expect(figures(sound())).toEqual({ acknowledged: 3, refused: 0, unknown: 0, stored: 3, read: 3, commits: 1, healedMs: 3000 })
})

test('an acknowledged record that is not in the log is a lost write; one without an answer is not', () => {
  const finalLogs = [logOf(['a', 'b', 'c'])]
  expect(check(sound({ sends: [...sound().sends, send('d', 3)], finalLogs }))).toEqual([
    { ...at, kind: 'lost-write', what: 'd by p, 0.030 s to 0.035 s, offset 3' },
  ])
  expect(kinds(sound({ sends: [...sound().sends, send('d', 3, { outcome: 'unknown' })], finalLogs }))).toEqual([])
})

test('a record that was read and is gone is a lost write', () => {
  expect(kinds(sound({ polls: [poll(0, ['a', 'b', 'c', 'd'])] }))).toEqual(['lost-write'])
})

test('a record that stands twice is a duplicate, but only where all producers are idempotent', () => {
  const twice = sound({ finalLogs: [logOf(['a', 'b', 'c', 'a'])], replicas: [] })
  expect(kinds(twice)).toContain('duplicate')
  expect(kinds({ ...twice, idempotentTopics: [] })).toEqual([])
})

test('a record that nobody sent is an unknown value', () => {
  expect(kinds(sound({ sends: [send('a', 0), send('b', 1)] }))).toEqual(['unknown-value'])
})

test('one offset with two values is inconsistent, whoever tells it', () => {
  expect(kinds(sound({ polls: [poll(0, ['a', 'b', 'x'])] }))).toEqual(['inconsistent-offset'])
  expect(kinds(sound({ sends: [send('a', 0), send('b', 1), send('c', 1, { startMs: 10, endMs: 15 })] }))).toEqual(['inconsistent-offset'])
})

test('the answer to a duplicate may not know the offset any more', () => {
  expect(kinds(sound({ sends: [send('a', 0), send('b', 1), send('c', 2, { offset: -1 })] }))).toEqual([])
})

test('a reader that goes past a record has not seen it', () => {
  expect(
    kinds(
      sound({
        polls: [
          poll(0, ['a'], {
            records: [
              { offset: 0, value: 'a' },
              { offset: 2, value: 'c' },
            ],
          }),
        ],
      }),
    ),
  ).toEqual(['unseen-record'])
  expect(kinds(sound({ polls: [poll(0, ['a', 'b'])] }))).toEqual([])
})

test('polls that go back or jump are not monotonic; members of a group may begin again', () => {
  const back = [poll(0, ['a', 'b']), poll(1, ['b', 'c'])]
  expect(kinds(sound({ polls: back }))).toEqual(['non-monotonic-poll'])
  expect(kinds(sound({ polls: back.map((one) => ({ ...one, isMember: true })) }))).toEqual([])
  const turned = [
    { offset: 1, value: 'b' },
    { offset: 0, value: 'a' },
    { offset: 2, value: 'c' },
  ]
  expect(kinds(sound({ polls: [poll(0, [], { records: turned })] }))).toEqual(['non-monotonic-poll'])
})

test('a record sent after an acknowledgement has to stand behind it', () => {
  const turned = [send('b', 0, { startMs: 50, endMs: 55 }), send('a', 1, { startMs: 10, endMs: 15 })]
  const history = sound({ sends: [...turned, send('c', 2, { startMs: 60, endMs: 61 })], finalLogs: [logOf(['b', 'a', 'c'])], polls: [] })
  expect(kinds({ ...history, idempotentTopics: [] })).toEqual(['non-monotonic-send'])
  const together = history.sends.map((one) => ({ ...one, startMs: 10, endMs: 70 }))
  expect(kinds({ ...history, idempotentTopics: [], sends: together })).toEqual([])
})

test('the log keeps the order of an idempotent producer', () => {
  const sends = [send('a', 0, { sequence: 1 }), send('b', 1, { sequence: 0 }), send('c', 2)].map((one) => ({
    ...one,
    startMs: 0,
    endMs: 9,
  }))
  expect(kinds(sound({ sends }))).toEqual(['non-monotonic-send'])
  expect(kinds(sound({ sends, idempotentTopics: [] }))).toEqual([])
})

test('a record at or above the high watermark that came with it is a dirty read', () => {
  expect(kinds(sound({ polls: [poll(0, ['a', 'b', 'c'], { highWatermark: 2 })] }))).toEqual(['read-above-high-watermark'])
})

test('an error that no reader may get is told', () => {
  expect(kinds(sound({ polls: [poll(0, [], { error: 'OFFSET_OUT_OF_RANGE' })] }))).toEqual(['broken-promise'])
  expect(kinds(sound({ broken: [{ ...at, atMs: 1, who: 'p', what: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }] }))).toEqual(['broken-promise'])
})

test('replicas that differ below the high watermark are told, above it they may', () => {
  const [first, second] = sound().replicas as [History['replicas'][number], History['replicas'][number]]
  expect(kinds(sound({ replicas: [first, replica(1, ['x', 'other', 'z'])] }))).toEqual(['replicas-differ'])
  expect(kinds(sound({ replicas: [first, second, replica(2, ['x', 'y'])] }))).toEqual(['replicas-differ'])
  const moved = {
    ...second,
    batches: second.batches.map((batch) => ({ ...batch, baseOffset: batch.baseOffset === 1 ? 0 : batch.baseOffset })),
  }
  expect(kinds(sound({ replicas: [first, moved] }))).toEqual(['replicas-differ'])
  expect(kinds(sound({ replicas: [replica(0, ['x', 'y', 'z', '1']), replica(1, ['x', 'y', 'z', '2'])] }))).toEqual([])
})

test('a replica that begins later is compared from there on', () => {
  const late = { ...replica(1, ['x', 'y', 'z']), startOffset: 1 }
  expect(kinds(sound({ replicas: [replica(0, ['x', 'y', 'z']), { ...late, batches: late.batches.slice(1) }] }))).toEqual([])
})

test('a partition that takes longer than it may, or that nobody can read, has not healed', () => {
  expect(kinds(sound({ healing: [{ ...at, afterMs: undefined, state: 'no leader' }] }))).toEqual(['not-healed'])
  expect(kinds(sound({ healing: [{ ...at, afterMs: 60_001, state: 'in sync' }] }))).toEqual(['not-healed'])
  expect(kinds(sound({ finalLogs: [], polls: [] }))).toEqual(['not-healed'])
})

test('the offset of a group never goes back and is one that was committed', () => {
  const read = (offset: number, startMs: number) => ({ ...at, group: 'g', offset, startMs, endMs: startMs + 1 })
  const commit = (offset: number, outcome: 'acknowledged' | 'unknown', endMs: number) => ({
    ...at,
    group: 'g',
    offset,
    outcome,
    startMs: endMs - 5,
    endMs,
  })
  const commits = [commit(1, 'acknowledged', 10), commit(2, 'unknown', 20)]
  expect(kinds(sound({ commits, committed: [read(1, 30), read(2, 40)] }))).toEqual([])
  expect(kinds(sound({ commits, committed: [read(2, 30), read(1, 40)] }))).toEqual(['group-offset-went-back'])
  expect(kinds(sound({ commits, committed: [read(-1, 30)] }))).toEqual(['group-offset-went-back'])
  expect(kinds(sound({ commits, committed: [read(3, 30)] }))).toEqual(['group-offset-never-committed'])
  expect(kinds(sound({ commits, committed: [read(-1, 4)] }))).toEqual([])
})
