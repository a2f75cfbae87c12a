import { partitionKey, type TopicPartition } from '../../base/topic-partition.ts'
import { GroupAdmin, type PartitionOffset } from '../../client/group-admin.ts'
import { OffsetFinder } from '../../client/offset-finder.ts'
import { type Call, type Run, UsageError } from '../command.ts'
import { Failure } from '../failure.ts'
import { withKafka } from '../kafka-access.ts'
import { printList } from '../output.ts'
import type { Session } from '../session.ts'
import { durationMs, timeMs } from '../times.ts'
import { existing } from './lag.ts'

/** Where the offsets are to go. */
export type Target =
  | { kind: 'time'; ms: number }
  | { kind: 'offset'; offset: number }
  | { kind: 'shift'; by: number }
  | { kind: 'earliest' | 'latest' | 'current' }
/** `current` is -1 where nothing was committed; `note` says why it is not what was asked for. */
export type Move = TopicPartition & { current: number; wanted: number; note: string }

const TARGETS = ['to-time', 'by-duration', 'to-earliest', 'to-latest', 'to-offset', 'to-current', 'shift-by'] as const

export const targetOf = (call: Call, nowMs: number): Target => {
  const written = TARGETS.filter((name) => call.flag(name) || call.text(name) !== undefined)
  const [name, ...more] = written
  if (name === undefined || more.length > 0)
    throw new UsageError(
      `write ${name === undefined ? 'where to' : 'only one of them, not ' + written.map((one) => `--${one}`).join(' and ')}: one of ${TARGETS.map((one) => `--${one}`).join(', ')}`,
    )
  switch (name) {
    case 'to-time':
      return { kind: 'time', ms: timeMs(call.text(name)!, name) }
    case 'by-duration':
      return { kind: 'time', ms: nowMs - durationMs(call.text(name)!, name) }
    case 'to-offset':
      return { kind: 'offset', offset: call.integer(name, 0)! }
    case 'shift-by':
      return { kind: 'shift', by: call.integer(name, Number.MIN_SAFE_INTEGER)! }
    case 'to-earliest':
      return { kind: 'earliest' }
    case 'to-latest':
      return { kind: 'latest' }
    case 'to-current':
      return { kind: 'current' }
  }
}

/** Where one partition goes: never before its first record, never beyond its end. */
export const moveOf = (
  at: { current: number; start: number; end: number; atTime: number },
  target: Target,
): { wanted: number; note: string } => {
  const { current, start, end, atTime } = at
  const byKind: Readonly<Record<Target['kind'], number>> = {
    earliest: start,
    latest: end,
    time: atTime,
    offset: target.kind === 'offset' ? target.offset : 0,
    shift: target.kind === 'shift' ? (current < 0 ? end : current) + target.by : 0,
    current: current < 0 ? end : current,
  }
  const wanted = byKind[target.kind]
  const nothing = current < 0 && (target.kind === 'shift' || target.kind === 'current') ? 'nothing was committed: counted from the end' : ''
  if (wanted < start) return { wanted: start, note: `${wanted} is before the first record` }
  if (wanted > end) return { wanted: end, note: `${wanted} is beyond the end` }
  return { wanted, note: nothing }
}

/** TOPIC or TOPIC:0,3. */
const chosen = async (call: Call, finder: OffsetFinder, committed: readonly PartitionOffset[]): Promise<TopicPartition[]> => {
  const texts = call.texts('topic')
  if (call.flag('all-topics') === texts.length > 0) throw new UsageError('write either --topic TOPIC or --all-topics')
  if (call.flag('all-topics')) return existing(finder, committed)
  const lists = await Promise.all(
    texts.map(async (text) => {
      const [topic = '', numbers] = text.split(':')
      const all = await finder.partitionsOf([topic])
      if (numbers === undefined) return all
      const wanted = numbers.split(',').map(Number)
      const missing = wanted.filter((number) => !all.some(({ partition }) => partition === number))
      if (missing.length > 0) throw new UsageError(`--topic ${text}: ${topic} has the partitions 0 to ${all.length - 1}`)
      return all.filter(({ partition }) => wanted.includes(partition))
    }),
  )
  return lists.flat()
}

const plan = async (
  finder: OffsetFinder,
  partitions: readonly TopicPartition[],
  committed: readonly PartitionOffset[],
  target: Target,
): Promise<Move[]> => {
  const [starts, ends, times] = await Promise.all([
    finder.find(partitions, 'earliest'),
    finder.find(partitions, 'latest'),
    target.kind === 'time' ? finder.find(partitions, target.ms) : [],
  ])
  return partitions.map(({ topic, partition }, index) => {
    const current = committed.find((one) => one.topic === topic && one.partition === partition)?.offset ?? -1
    const at = { current, start: starts[index]!.offset, end: ends[index]!.offset, atTime: times[index]?.offset ?? -1 }
    return { topic, partition, current, ...moveOf(at, target) }
  })
}

const print = (call: Call, { io }: Session, group: string, moves: readonly Move[]): Promise<void> =>
  printList(io, call, {
    items: moves,
    columns: [
      { header: 'GROUP', value: () => group },
      { header: 'TOPIC', value: ({ topic }) => topic },
      { header: 'PARTITION', value: ({ partition }) => partition },
      { header: 'CURRENT-OFFSET', value: ({ current }) => (current < 0 ? '-' : current) },
      { header: 'NEW-OFFSET', value: ({ wanted }) => wanted },
      { header: 'NOTE', value: ({ note }) => note },
    ],
    name: partitionKey,
    data: ({ wanted, ...move }) => ({ ...move, new: wanted }),
    nothing: `${group} has committed nothing of a topic that exists`,
  })

export const run: Run = (call, session) => {
  const target = targetOf(call, session.clocks.wall.nowMs())
  return withKafka(call, session, async ({ client }) => {
    const name = call.needed(0)
    const { monotonic } = session.clocks
    const [groups, finder] = [new GroupAdmin(client, monotonic), new OffsetFinder(client, monotonic)]
    const [{ members }, committed] = await Promise.all([groups.describe(name), groups.committed(name)])
    const isDone = call.flag('execute')
    if (isDone && members.length > 0)
      throw new Failure(
        `${name} has members, and only they may commit; stop them first: ${members.map(({ clientId, host }) => `${clientId} at ${host}`).join(', ')}`,
      )
    const moves = await plan(finder, await chosen(call, finder, committed), committed, target)
    if (isDone && moves.length > 0)
      await groups.commit(
        name,
        moves.map(({ topic, partition, wanted }) => ({ topic, partition, offset: wanted })),
      )
    await print(call, session, name, moves)
    if (moves.length > 0)
      session.io.err(
        isDone
          ? `${moves.length} offsets of ${name} were set\n`
          : `nothing was changed; write --execute to do it${members.length > 0 ? ', when the members of the group have stopped' : ''}\n`,
      )
  })
}
