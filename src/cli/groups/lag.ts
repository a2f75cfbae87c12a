import { partitionKey, type TopicPartition } from '../../base/topic-partition.ts'
import type { GroupAdmin, GroupDescription } from '../../client/group-admin.ts'
import type { OffsetFinder } from '../../client/offset-finder.ts'
import type { Column } from '../table.ts'

/** A partition of a group; -1 where it has committed nothing, or the topic is gone. */
export type Lag = TopicPartition & { current: number; start: number; end: number; memberId: string; clientId: string; host: string }

const byName = (a: TopicPartition, b: TopicPartition): number =>
  a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1

/** Those of the partitions that exist. */
export const existing = async (finder: OffsetFinder, partitions: readonly TopicPartition[]): Promise<TopicPartition[]> => {
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const found = await Promise.all(topics.map((topic) => finder.partitionsOf([topic]).catch(() => [])))
  const keys = new Set(found.flat().map(partitionKey))
  return partitions.filter((one) => keys.has(partitionKey(one)))
}

/** What a group has committed and what its members read, with where the partitions begin and end. */
export const lagsOf = async (groups: GroupAdmin, finder: OffsetFinder, group: GroupDescription): Promise<Lag[]> => {
  const committed = await groups.committed(group.groupId)
  const readers = new Map(
    group.members.flatMap((member) => member.assignment.map((partition) => [partitionKey(partition), { partition, member }] as const)),
  )
  const all = new Map<string, TopicPartition>()
  for (const one of [...committed, ...[...readers.values()].map(({ partition }) => partition)])
    all.set(partitionKey(one), { topic: one.topic, partition: one.partition })
  const partitions = await existing(finder, [...all.values()])
  const [starts, ends] = await Promise.all([finder.find(partitions, 'earliest'), finder.find(partitions, 'latest')])
  const offsets = (of: readonly (TopicPartition & { offset: number })[]) => new Map(of.map((one) => [partitionKey(one), one.offset]))
  const [current, start, end] = [offsets(committed), offsets(starts), offsets(ends)]
  return [...all.values()].sort(byName).map((one) => {
    const member = readers.get(partitionKey(one))?.member
    const at = (of: Map<string, number>) => of.get(partitionKey(one)) ?? -1
    const reader = { memberId: member?.memberId ?? '', clientId: member?.clientId ?? '', host: member?.host ?? '' }
    return { ...one, current: at(current), start: at(start), end: at(end), ...reader }
  })
}

/** undefined where it cannot be known. */
export const lagOf = ({ current, end }: Lag): number | undefined => (current < 0 || end < 0 ? undefined : Math.max(0, end - current))

const offset = (value: number): string => (value < 0 ? '-' : String(value))

/** Kafka's own columns. */
export const LAG_COLUMNS: readonly Column<Lag>[] = [
  { header: 'TOPIC', value: ({ topic }) => topic },
  { header: 'PARTITION', value: ({ partition }) => partition },
  { header: 'CURRENT-OFFSET', value: ({ current }) => offset(current) },
  { header: 'LOG-START-OFFSET', value: ({ start }) => offset(start), isWide: true },
  { header: 'LOG-END-OFFSET', value: ({ end }) => offset(end) },
  { header: 'LAG', value: (lag) => lagOf(lag) ?? '-' },
  { header: 'MEMBER-ID', value: ({ memberId }) => memberId || '-', isWide: true },
  { header: 'CLIENT-ID', value: ({ clientId }) => clientId || '-' },
  { header: 'HOST', value: ({ host }) => host || '-' },
]
