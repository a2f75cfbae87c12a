import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topics, type Topic } from '../../../src/api/index.ts'
import { events } from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import type { FakeKafka } from '../support/fake-kafka.ts'
import { topic } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const place = new OperatorLab()
const { put, read, readyOf, becomes, isGone, servedCluster } = place
beforeAll(() => place.start(startEmbeddedLab))
afterAll(() => place.stop())

/** A topic that somebody made by hand. */
const byHand = (kafka: FakeKafka, name: string, partitions: number, replicas: number, config: Record<string, string> = {}) => {
  kafka.topics.set(name, { partitions, config: new Map(Object.entries(config)) })
  kafka.partitions.make(name, partitions, replicas)
}
/** What the topic is in Kafka. */
const inKafka = (kafka: FakeKafka, name: string) => {
  const found = kafka.topics.get(name)
  return (
    found && {
      partitions: found.partitions,
      replicas: kafka.partitions.of(name)[0]!.replicas.length,
      config: Object.fromEntries(found.config),
    }
  )
}
/** The operator looks at it once more, as it does every five minutes. */
const look = async (object: Topic): Promise<void> => {
  await place.kube.patch(topics, keyOf(object), 'merge', { metadata: { annotations: { look: String(performance.now()) } } })
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 150))

type Case = {
  what: string
  /** What somebody made by hand. */
  there?: { partitions: number; replicas: number; config?: Record<string, string> }
  spec: Record<string, unknown>
  reason?: string
  becomes: { partitions: number; replicas: number; config: Record<string, string> }
  origin?: 'Created' | 'Adopted'
}
const CASES: Case[] = [
  {
    what: 'a new topic gets what the resource says',
    spec: { partitions: 3, replicas: 2, config: { 'retention.ms': 1000 } },
    becomes: { partitions: 3, replicas: 2, config: { 'retention.ms': '1000' } },
    origin: 'Created',
  },
  {
    what: "a new topic gets the broker's defaults where the resource says nothing",
    spec: {},
    becomes: { partitions: 1, replicas: 1, config: {} },
    origin: 'Created',
  },
  {
    what: 'one that is as the resource says is adopted as it is',
    there: { partitions: 3, replicas: 2, config: { 'retention.ms': '1000' } },
    spec: { partitions: 3, replicas: 2, config: { 'retention.ms': 1000 } },
    becomes: { partitions: 3, replicas: 2, config: { 'retention.ms': '1000' } },
    origin: 'Adopted',
  },
  {
    what: 'of one that is otherwise what the resource says wins, and keys that it does not name stay',
    there: { partitions: 3, replicas: 2, config: { 'retention.ms': '5', 'max.message.bytes': '7' } },
    spec: { partitions: 5, config: { 'retention.ms': 1000 } },
    becomes: { partitions: 5, replicas: 2, config: { 'retention.ms': '1000', 'max.message.bytes': '7' } },
    origin: 'Adopted',
  },
  {
    what: 'numbers that the resource does not say are not managed',
    there: { partitions: 9, replicas: 3 },
    spec: { config: { 'cleanup.policy': 'compact' } },
    becomes: { partitions: 9, replicas: 3, config: { 'cleanup.policy': 'compact' } },
    origin: 'Adopted',
  },
  {
    what: 'partitions never become fewer; the rest is done all the same',
    there: { partitions: 9, replicas: 1 },
    spec: { partitions: 4, config: { 'retention.ms': 1000 } },
    reason: 'PartitionsCannotShrink',
    becomes: { partitions: 9, replicas: 1, config: { 'retention.ms': '1000' } },
    origin: 'Adopted',
  },
]

describe('a topic and its resource', () => {
  let served: Awaited<ReturnType<typeof servedCluster>>
  beforeAll(async () => {
    served = await servedCluster()
  })

  test.each(CASES.map((each, index) => ({ ...each, name: `t${index}` })))(
    '$what',
    async ({ name, there, spec, reason, becomes: wanted, origin }) => {
      const { namespace, kafka } = served
      if (there) byHand(kafka, name, there.partitions, there.replicas, there.config)
      const object = topic(name, namespace, spec)
      await put(object)
      await becomes(object, reason ?? 'Ready')
      expect(inKafka(kafka, name)).toEqual(wanted)
      expect((await read(object)).status).toMatchObject({
        topicName: name,
        origin,
        partitions: wanted.partitions,
        replicas: wanted.replicas,
      })
      await settle()
      kafka.writes = []
      await look(object)
      await settle()
      expect(kafka.writes.filter((what) => what.includes(name))).toEqual([])
    },
  )

  test('what somebody changes by hand is put right, and what the resource does not name is not', async () => {
    const { namespace, kafka } = served
    const object = topic('drift', namespace, { partitions: 2, config: { 'retention.ms': 1000 } })
    await put(object)
    await becomes(object, 'Ready')
    const { config } = kafka.topics.get('drift')!
    config.set('retention.ms', '5').set('segment.ms', '6')
    await look(object)
    await eventually(() => config.get('retention.ms') === '1000')
    expect(config.get('segment.ms')).toBe('6')
    config.delete('retention.ms')
    await look(object)
    await eventually(() => config.get('retention.ms') === '1000')
    kafka.topics.delete('drift')
    kafka.partitions.forget('drift')
    await look(object)
    await eventually(() => inKafka(kafka, 'drift')?.partitions === 2)
    byHand(kafka, 'drift', 4, 1, { 'retention.ms': '1000' })
    await look(object)
    await becomes(object, 'PartitionsCannotShrink')
    expect((await readyOf(object))?.message).toBe(
      'the topic drift has 4 partitions, and Kafka never takes partitions away: set spec.partitions to 4',
    )
  })

  test('an adopted topic stays so through a lost status, and its adoption is told by an event', async () => {
    const { namespace, kafka } = served
    byHand(kafka, 'old', 1, 1)
    const object = topic('old', namespace)
    await put(object)
    await becomes(object, 'Ready')
    await place.kube.patch(topics, keyOf(object), 'merge', { status: null }, { subresource: 'status' })
    await look(object)
    await eventually(async () => (await read(object)).status?.origin === 'Adopted')
    const told = (await place.kube.list(events, { namespace })).items.filter(({ regarding }) => regarding?.name === 'old')
    expect(told.map(({ reason, note }) => [reason, note])).toEqual([['Adopted', 'topic old, which was there already']])
  })

  test('of two for one topic the older has it; the loser goes without a trace, and after the winner the next one has it as it is', async () => {
    const { namespace, kafka } = served
    const winner = topic('winner', namespace, { name: 'shared', partitions: 3, deletionPolicy: 'Delete' })
    const loser = topic('loser', namespace, { name: 'shared', partitions: 1, deletionPolicy: 'Delete' })
    const heir = topic('heir', namespace, { name: 'shared' })
    await put(winner)
    await becomes(winner, 'Ready')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    for (const one of [loser, heir]) await put(one)
    for (const one of [loser, heir]) await becomes(one, 'ResourceConflict')
    expect((await readyOf(loser))?.message).toBe(`shared belongs to the older Topic ${namespace}/winner: delete one of the two`)
    await place.kube.delete(topics, keyOf(loser))
    await isGone(loser)
    expect(inKafka(kafka, 'shared')?.partitions).toBe(3)
    await place.kube.delete(topics, keyOf(winner))
    await isGone(winner)
    await becomes(heir, 'Ready')
    expect(inKafka(kafka, 'shared')?.partitions).toBe(3)
    expect(kafka.recorded.get('topics/shared')).toMatchObject({ owner: { name: 'heir' }, deletionPolicy: 'Retain' })
  })

  test("a resource that is gone leaves its topic by default, and with deletionPolicy Delete another operator's too", async () => {
    const { namespace, kafka } = served
    const [kept, gone, shared] = [
      topic('kept', namespace),
      topic('gone', namespace, { deletionPolicy: 'Delete' }),
      topic('theirs', namespace, { deletionPolicy: 'Delete' }),
    ]
    for (const one of [kept, gone, shared]) await put(one)
    for (const one of [kept, gone, shared]) await becomes(one, 'Ready')
    await kafka.recordsOf('elsewhere').put('topics', 'theirs', kafka.recorded.get('topics/theirs')!)
    for (const one of [kept, gone, shared]) await place.kube.delete(topics, keyOf(one))
    for (const one of [kept, gone, shared]) await isGone(one)
    expect(['kept', 'gone', 'theirs'].filter((name) => kafka.topics.has(name))).toEqual(['kept', 'theirs'])
    expect([...kafka.recorded.keys()].filter((key) => key.endsWith('/theirs'))).toEqual(['elsewhere topics/theirs'])
  })

  test("Kafka's refusal of one is that one's", async () => {
    const { namespace, kafka } = await servedCluster()
    const bad = topic('bad', namespace, { config: { 'no.such.key': 1 } })
    kafka.refuse = ({ config }) =>
      config?.['no.such.key'] ? new KafkaError('INVALID_CONFIG', 'Unknown topic config name: no.such.key') : undefined
    const all = [bad, ...Array.from({ length: 20 }, (_unused, index) => topic(`good${index}`, namespace))]
    await Promise.all(all.map(put))
    await becomes(bad, 'KafkaRefused')
    for (const good of all.slice(1)) await becomes(good, 'Ready')
  })
})

// How many exactly is a matter of time here; test/operator/kafka/batch.test.ts has that by the clock.
test('topics that are waiting are made by few requests', async () => {
  const { namespace, kafka } = await servedCluster('many')
  await place.operator.stop()
  const clusterRef = { name: 'many' }
  await Promise.all(Array.from({ length: 300 }, (_unused, index) => put(topic(`many${index}`, namespace, { clusterRef }))))
  place.operator = await place.startOperator()
  await eventually(() => kafka.topics.size === 300, { timeoutMs: 30_000 })
  expect(kafka.requests.createTopics).toBeLessThanOrEqual(30)
}, 60_000)

test('a topic that grows is not Ready before the brokers show all its partitions', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = topic('grows', namespace, { partitions: 1 })
  await put(object)
  await becomes(object, 'Ready')
  const { describeTopics } = kafka.admin
  kafka.admin.describeTopics = async (names) =>
    new Map([...(await describeTopics(names))].map(([name, found]) => [name, name === 'grows' ? { ...found, partitions: 1 } : found]))
  await put(topic('grows', namespace, { partitions: 3 }))
  await becomes(object, 'Changed')
  kafka.admin.describeTopics = describeTopics
  await becomes(object, 'Ready')
  expect((await read(object))?.status).toMatchObject({ partitions: 3 })
})
