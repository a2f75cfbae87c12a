import type { TopicPartition } from '../../base/topic-partition.ts'
import { GroupAdmin, type PartitionOffset } from '../../client/group-admin.ts'
import { OffsetFinder, type OffsetAt } from '../../client/offset-finder.ts'
import { type Call, UsageError } from '../command.ts'
import type { KafkaAccess } from '../kafka-access.ts'
import type { Session } from '../session.ts'
import { durationMs, timeMs } from '../times.ts'

/** What --from means, beside a group's offsets. */
const pointOf = (text: string, nowMs: number): { at: OffsetAt } | { offset: number } => {
  if (text === 'earliest' || text === 'beginning') return { at: 'earliest' }
  if (text === 'latest' || text === 'end') return { at: 'latest' }
  if (/^\d{1,9}$/.test(text)) return { offset: Number(text) }
  if (/^-\d/.test(text)) return { at: nowMs - durationMs(text.slice(1), 'from') }
  if (/^\d/.test(text)) return { at: timeMs(text, 'from') }
  throw new UsageError(`--from ${text}: write earliest, latest, an offset, a time such as 2026-11-21T08:00:00Z, -15m, or group:GROUP`)
}

/** Offsets outside of what is there go to the nearest that is. */
const bounded = async (finder: OffsetFinder, wanted: readonly PartitionOffset[]): Promise<PartitionOffset[]> => {
  const [starts, ends] = await Promise.all([finder.find(wanted, 'earliest'), finder.find(wanted, 'latest')])
  return wanted.map((one, index) => ({ ...one, offset: Math.min(Math.max(one.offset, starts[index]!.offset), ends[index]!.offset) }))
}

const ofGroup = async (
  groups: GroupAdmin,
  finder: OffsetFinder,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<PartitionOffset[]> => {
  const [committed, starts] = await Promise.all([groups.committed(group), finder.find(partitions, 'earliest')])
  return partitions.map((one, index) => ({
    ...one,
    offset: committed.find(({ topic, partition }) => topic === one.topic && partition === one.partition)?.offset ?? starts[index]!.offset,
  }))
}

/** Where reading begins, per partition. */
export const startOf = async (call: Call, { clocks }: Session, { client }: KafkaAccess): Promise<PartitionOffset[]> => {
  const topic = call.needed(0)
  const from = call.text('from') ?? 'latest'
  const finder = new OffsetFinder(client, clocks.monotonic)
  const all = await finder.partitionsOf([topic])
  const numbers = call.texts('partition').map((text) => {
    if (!all.some(({ partition }) => String(partition) === text))
      throw new UsageError(`--partition ${text}: ${topic} has the partitions 0 to ${all.length - 1}`)
    return Number(text)
  })
  const partitions = numbers.length === 0 ? all : all.filter(({ partition }) => numbers.includes(partition))
  if (from.startsWith('group:')) {
    const group = from.slice('group:'.length)
    return bounded(finder, await ofGroup(new GroupAdmin(client, clocks.monotonic), finder, group, partitions))
  }
  const point = pointOf(from, clocks.wall.nowMs())
  if ('at' in point) return finder.find(partitions, point.at)
  return bounded(
    finder,
    partitions.map((one) => ({ ...one, offset: point.offset })),
  )
}
