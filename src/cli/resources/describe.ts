import type { Acl, Condition, Topic, User } from '../../api/index.ts'
import { Admin } from '../../client/admin.ts'
import { OffsetFinder } from '../../client/offset-finder.ts'
import { PartitionAdmin, type PartitionReplicas } from '../../client/partition-admin.ts'
import type { Call, Run } from '../command.ts'
import { eventColumns, eventsOf } from '../events.ts'
import { describeFailure } from '../failure.ts'
import { openKafka } from '../kafka-access.ts'
import { clusterOf, type KubeAccess, need, withKube } from '../kube-access.ts'
import { formatOf, printData, withoutManagedFields } from '../output.ts'
import { Sections } from '../sections.ts'
import type { Session } from '../session.ts'
import { ageText } from '../times.ts'
import { clusterKeyOf, type Custom, type Kind, RESOURCES } from './kinds.ts'

type Partition = PartitionReplicas & { start: number; end: number }
type InKafka = { partitions: Partition[]; config: [string, string][] } | { problem: string }

/** The topic as the brokers have it; what keeps it from being asked is said in words. */
const inKafka = async (call: Call, session: Session, access: KubeAccess, topic: Topic): Promise<InKafka> => {
  const { namespace, name } = clusterKeyOf(topic as Custom)
  try {
    const cluster = await clusterOf(access, `${namespace}/${name}`)
    const { client } = await openKafka(session, access, cluster, call)
    try {
      const topicName = topic.status?.topicName ?? topic.spec.name ?? topic.metadata.name
      const partitions = await new PartitionAdmin(client).replicas([topicName])
      const finder = new OffsetFinder(client, session.clocks.monotonic)
      const led = partitions.filter(({ leader }) => leader >= 0)
      const [starts, ends] = await Promise.all([finder.find(led, 'earliest'), finder.find(led, 'latest')])
      const at = (offsets: typeof starts, partition: number) => offsets.find((one) => one.partition === partition)?.offset ?? -1
      const configs = (await new Admin(client).describeTopicConfigs([topicName])).get(topicName)
      const config =
        configs instanceof Map
          ? [...configs].flatMap(([key, { value, isTopicOverride }]) => (isTopicOverride ? [[key, value ?? ''] as [string, string]] : []))
          : []
      const sorted = partitions.sort((a, b) => a.partition - b.partition)
      return { config, partitions: sorted.map((one) => ({ ...one, start: at(starts, one.partition), end: at(ends, one.partition) })) }
    } finally {
      client.close()
    }
  } catch (error) {
    return { problem: describeFailure(error).text }
  }
}

const ruleText = ({ resource, operations, host, permission = 'Allow' }: Acl['spec']['rules'][number]): string => {
  const name = resource.type === 'Cluster' ? '' : ` ${resource.name}${resource.patternType === 'Prefixed' ? '*' : ''}`
  return `${permission} ${operations.join(',')} on ${resource.type}${name}${host && host !== '*' ? ` from ${host}` : ''}`
}

const FIELDS: Readonly<Record<Kind, (object: Custom) => readonly (readonly [string, string | number | undefined])[]>> = {
  topic: (object) => {
    const { spec, status } = object as Topic
    const change = status?.replicasChange
    return [
      ['Topic', status?.topicName],
      ['Partitions', status?.partitions ?? spec.partitions],
      ['Replicas', status?.replicas ?? spec.replicas],
      ['Replicas changing', change && `to ${change.targetReplicas}, ${change.partitionsLeft} partitions left`],
    ]
  },
  user: (object) => {
    const { spec, status } = object as User
    return [
      ['Username', status?.username],
      ['Authentication', spec.authentication.type],
      ['Secret', status?.secretName],
    ]
  },
  acl: (object) => {
    const { spec, status } = object as Acl
    return [
      ['Principal', status?.principal ?? spec.principal ?? spec.user],
      ['Bindings', status?.bindings],
    ]
  },
}

const addKafka = (sections: Sections, seen: InKafka): void => {
  if ('problem' in seen) {
    sections.text('In Kafka', `  not asked: ${seen.problem}\n`)
    return
  }
  sections.table('Configuration in Kafka', seen.config, [
    { header: 'KEY', value: ([key]) => key },
    { header: 'VALUE', value: ([, value]) => value },
  ])
  sections.table('Partitions', seen.partitions, [
    { header: 'PARTITION', value: ({ partition }) => partition },
    { header: 'LEADER', value: ({ leader }) => (leader < 0 ? 'none' : leader) },
    { header: 'REPLICAS', value: ({ replicas }) => replicas.join(',') },
    { header: 'IN SYNC', value: ({ isr }) => isr.join(',') },
    { header: 'START', value: ({ start }) => (start < 0 ? 'unknown' : start) },
    { header: 'END', value: ({ end }) => (end < 0 ? 'unknown' : end) },
  ])
}

export const run =
  (kind: Kind): Run =>
  (call, session) =>
    withKube(call, session, async (access) => {
      const { io, clocks } = session
      const object = await need(access, RESOURCES[kind], call.needed(0))
      const [events, kafka] = await Promise.all([
        eventsOf(access, object),
        kind === 'topic' ? inKafka(call, session, access, object as Topic) : undefined,
      ])
      const format = formatOf(call)
      if (format === 'json' || format === 'yaml')
        return printData(io, format, { ...withoutManagedFields(object), ...(kafka ? { kafka } : {}) })
      const nowMs = clocks.wall.nowMs()
      const { namespace, name } = clusterKeyOf(object)
      const sections = new Sections(io.hasColour).fields([
        ['Name', object.metadata.name],
        ['Namespace', object.metadata.namespace],
        ['Cluster', `${namespace}/${name}`],
        ['Age', ageText(nowMs - Date.parse(object.metadata.creationTimestamp ?? ''))],
        ['Deletion policy', object.spec.deletionPolicy],
        ...FIELDS[kind](object),
      ])
      sections.table<Condition>('Conditions', object.status?.conditions ?? [], [
        { header: 'TYPE', value: ({ type }) => type },
        { header: 'STATUS', value: ({ status }) => status },
        { header: 'REASON', value: ({ reason }) => reason },
        { header: 'MESSAGE', value: ({ message }) => message },
      ])
      if (kind === 'acl') sections.text('Rules', (object as Acl).spec.rules.map((rule) => `  ${ruleText(rule)}\n`).join(''))
      if (kafka) addKafka(sections, kafka)
      sections.table('Events', events, eventColumns(nowMs))
      return io.out(String(sections))
    })
