import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../support/net.ts'
import type { ForeignClient } from './client.ts'
import { Section } from './compatibility.ts'
import { FORBIDDEN_TOPIC, type Lab, OWN_PREFIX, PARTITIONS, startLab } from './lab.ts'
import type { Profile } from './profiles.ts'
import { COUNT, expectAll, type Line, offsetsAtTime } from './records.ts'

/** A client's name as a part of topic names. */
export const shortName = (client: ForeignClient): string => client.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
/** Where `testClient` leaves 10,000 records of a codec. */
export const topicOf = (client: ForeignClient, what: string): string => `${OWN_PREFIX}${shortName(client)}-${what}`

/** Early enough to lie behind every record's arrival, late enough to be kept by every retention. */
const baseMs = Date.now() - 600_000

/** What a client said when it failed, in one line. */
export const wordsOf = async (call: Promise<unknown>): Promise<string> => {
  const failed = await call.then(
    () => undefined,
    (error: Error) => error.message,
  )
  if (failed === undefined) throw new Error('it did not fail')
  return failed.trim()
}

export type Held = { lab: Lab; client: ForeignClient; section: Section }

/** A lab and a client for one `describe`; both are there when its tests run. `where`: the broker of the lab, or whose lab to share. */
export const withLab = (makeClient: () => ForeignClient, where: 'ours' | 'apache' | Held = 'ours'): Held => {
  const held = {} as Held
  beforeAll(async () => {
    held.client = makeClient()
    held.section = new Section(held.client.name)
    held.lab = typeof where === 'string' ? await startLab(where) : where.lab
  })
  afterAll(async () => {
    await held.client?.stop()
    if (typeof where === 'string') await held.lab?.stop()
  })
  return held
}

/** The tests that every client takes; `held` is filled before they run. */
export const testClient = (held: Held, profile: Profile): void => {
  const topicName = (what: string) => topicOf(held.client, what)
  const readBack = new Map<string, Line[]>()
  const expectation = () => ({
    headers: held.client.hasHeaders ? ('kept' as const) : ('none' as const),
    ...(held.client.setsTimestamps && { baseMs }),
  })

  test('10,000 records per codec are written and read from the beginning', async () => {
    const { lab, client, section } = held
    for (const codec of client.codecs) {
      const topic = topicName(codec)
      await lab.createTopic(topic)
      await client.produce(lab.plain, topic, { count: COUNT, baseMs, codec, isIdempotent: false })
      const lines = await client.read(lab.plain, topic, COUNT)
      expectAll(lines, expectation())
      readBack.set(codec, lines)
    }
    section.row(`10,000 records written and read from the beginning${client.hasHeaders ? ', with headers' : ''}`, client.codecs.join(', '))
  })

  test('a group goes on where it committed', async () => {
    const { lab, client, section } = held
    const group = `${OWN_PREFIX}group-${shortName(client)}`
    const first = await client.readAsGroup(lab.plain, topicName('none'), group, 4000)
    expect(first).toHaveLength(4000)
    const rest = await client.readAsGroup(lab.plain, topicName('none'), group, COUNT - 4000)
    const all = [...first, ...rest].sort((a, b) => a.partition - b.partition || a.offset - b.offset)
    expectAll(all, expectation())
    section.row('a group commits 4,000 records, a second member takes the other 6,000', 'works')
  })

  const findOffsetsByTime = async () => {
    const { lab, client, section } = held
    const offsetsAt = client.offsetsAt!
    const lines = readBack.get('none')!
    const middleMs = lines.map((line) => line.timestampMs).sort((a, b) => a - b)[COUNT / 2]!
    const found = await offsetsAt(lab.plain, topicName('none'), middleMs, PARTITIONS)
    expect(new Map(found.map(({ partition, offset }) => [partition, offset]))).toEqual(offsetsAtTime(lines, middleMs))
    for (const { partition, beginning, end } of found.filter((one) => one.end !== undefined)) {
      expect({ beginning, end }).toEqual({ beginning: 0, end: lines.filter((line) => line.partition === partition).length })
    }
    const future = await offsetsAt(lab.plain, topicName('none'), Date.now() + 3_600_000, PARTITIONS)
    expect(future.map(({ offset }) => offset)).toEqual(Array(PARTITIONS).fill(-1))
    section.row('offsets by time', 'works')
  }
  if (profile.findsOffsetsByTime) test('offsets are found by time', findOffsetsByTime)

  const administerTopics = async () => {
    const { lab, client, section } = held
    const topics = client.topics!
    const topic = topicName('made-by-it')
    await topics.create(lab.plain, topic, PARTITIONS)
    await eventually(async () => (await topics.list(lab.plain)).includes(topic))
    await topics.delete(lab.plain, topic)
    await eventually(async () => !(await lab.topicNames()).includes(topic))
    section.row('topics created, listed and deleted', 'works')
  }
  if (profile.administersTopics) test('topics are created, listed and deleted', administerTopics)

  test('a user logs in, writes and reads what its ACLs allow', async () => {
    const { lab, client, section } = held
    for (const mechanism of client.mechanisms) {
      const topic = topicName(mechanism)
      await lab.createTopic(topic)
      await client.produce(lab.as(mechanism), topic, { count: 1000, baseMs, isIdempotent: false })
      const lines = await client.readAsGroup(lab.as(mechanism), topic, `${OWN_PREFIX}${mechanism}-${shortName(client)}`, 1000)
      expectAll(lines, { ...expectation(), count: 1000 })
    }
    section.row('logs in, writes, reads by group under ACLs', client.mechanisms.join(', '))
  })

  test('a wrong password and a missing ACL give Kafka\u2019s words', async () => {
    const { lab, client, section } = held
    const mechanism = client.mechanisms.at(-1)!
    const some = { count: 1, baseMs, isIdempotent: false }
    const wrongPassword = await wordsOf(client.produce(lab.as(mechanism, 'wrong'), topicName('none'), some))
    expect(wrongPassword).toMatch(profile.wrongPassword)
    section.quote('wrong password', profile.wrongPassword.exec(wrongPassword)![0])
    const write = await wordsOf(client.produce(lab.as(mechanism), FORBIDDEN_TOPIC, some))
    expect(write).toMatch(profile.forbiddenTopic)
    section.quote('writing without an ACL', profile.forbiddenTopic.exec(write)![0])
    const read = await wordsOf(client.read(lab.as(mechanism), FORBIDDEN_TOPIC, 1))
    expect(read).toMatch(profile.forbiddenTopic)
    section.quote('reading without an ACL', profile.forbiddenTopic.exec(read)![0])
    const asGroup = await wordsOf(client.readAsGroup(lab.as(mechanism), topicName('none'), 'not-own', 1))
    expect(asGroup).toMatch(profile.forbiddenGroup)
    section.quote('joining a group without an ACL', profile.forbiddenGroup.exec(asGroup)![0])
  })
}

/** What it writes with its defaults, and where it is asked to be idempotent; `asked` is how one asks it, and absent where it always is. */
export const testIdempotence = (held: Held, { byDefault, asked }: { byDefault: boolean; asked?: string }): void => {
  const writes = async (what: string, options: { isIdempotent?: true }): Promise<boolean> => {
    const { lab, client } = held
    const topic = topicOf(client, what)
    await lab.createTopic(topic)
    await client.produce(lab.plain, topic, { count: 1000, baseMs, ...options })
    const headers = client.hasHeaders ? 'kept' : 'none'
    expectAll(await client.read(lab.plain, topic, 1000), { count: 1000, headers, ...(client.setsTimestamps && { baseMs }) })
    const stored = new Set(await lab.storedIdempotence(topic))
    expect(stored.size).toBe(1)
    return stored.has(true)
  }

  test('its defaults work, and it is idempotent where it is asked', async () => {
    const { section } = held
    expect(await writes('defaults', {})).toBe(byDefault)
    section.row('with its defaults', byDefault ? 'works, idempotent' : 'works: not idempotent unless asked')
    if (asked === undefined) return
    expect(await writes('idempotent', { isIdempotent: true })).toBe(true)
    section.row(`\`${asked}\``, 'works')
  })
}
