import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topics, users, type Topic, type User } from '../../src/api/index.ts'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { NewTopic, Outcomes } from '../../src/client/admin.ts'
import { conditionOf } from '../../src/kube/conditions.ts'
import { secrets } from '../../src/kube/resources.ts'
import { keyOf, type KubeObject } from '../../src/kube/types.ts'
import type { Contact, Contacts } from '../../src/operator/kafka/contact.ts'
import { KafkaContacts } from '../../src/operator/kafka/contacts.ts'
import type { Operator } from '../../src/operator/program.ts'
import { OPERATOR_USER } from '../../src/operator/names.ts'
import { verifyPassword } from '../../src/security/scram.ts'
import { ChaosProxy } from '../support/chaos-proxy.ts'
import { startCutter, type Cutter } from '../support/cutter.ts'
import { eventually, freePort } from '../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'
import { startEmbeddedLab } from './support/embedded-lab.ts'
import { topic, user } from './support/objects.ts'
import { OperatorLab } from './support/operator-lab.ts'
import { Random } from '../support/random.ts'

/** CHAOS_SECONDS and CHAOS_SEED repeat a run, or make it short. */
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 600)
const SEED = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** With a Lease, which it loses now and then, the operator is started again; without one it has to get over everything itself. */
const HAS_LEASE = SEED % 2 === 0
const PASSWORD = 'of-the-operator-in-chaos'
const MAX_TOPICS = 60
const MAX_USERS = 15

/** What Kafka was really made to do, call by call that it did not refuse. */
class Audit {
  readonly done: string[] = []

  wrap(contacts: Contacts): Contacts {
    return {
      get: async (key) => this.#contact(await contacts.get(key)),
      unreachableMs: (key) => contacts.unreachableMs(key),
      forget: (key) => contacts.forget(key),
      close: () => contacts.close(),
    }
  }

  count(what: string): number {
    return this.done.filter((one) => one === what).length
  }

  #contact(contact: Contact): Contact {
    const { admin } = contact
    // A name without an outcome, or with none that is an error, went well.
    const note = async (what: string, names: readonly string[], outcomes: Promise<Outcomes>): Promise<Outcomes> => {
      const settled = await outcomes
      for (const name of names) if (!settled.get(name)) this.done.push(`${what} ${name}`)
      return settled
    }
    const noted = Object.assign(Object.create(admin) as typeof admin, {
      createTopics: (wanted: readonly NewTopic[]) =>
        note(
          'create',
          wanted.map(({ name }) => name),
          admin.createTopics(wanted),
        ),
      deleteTopics: (names: readonly string[]) => note('delete', names, admin.deleteTopics(names)),
      describeTopics: (names: readonly string[]) => admin.describeTopics(names),
      describeTopicConfigs: (names: readonly string[]) => admin.describeTopicConfigs(names),
      createPartitions: (wanted: Parameters<typeof admin.createPartitions>[0]) => admin.createPartitions(wanted),
      alterTopicConfigs: (changes: Parameters<typeof admin.alterTopicConfigs>[0]) => admin.alterTopicConfigs(changes),
      setScramPassword: (...args: Parameters<typeof admin.setScramPassword>) => admin.setScramPassword(...args),
      deleteScramUser: (...args: Parameters<typeof admin.deleteScramUser>) => admin.deleteScramUser(...args),
    })
    return { ...contact, admin: noted }
  }
}

describe(`chaos for ${SECONDS} s, seed ${SEED}`, () => {
  const place = new OperatorLab()
  const audit = new Audit()
  const random = new Random(SEED).next
  let proxy: ChaosProxy
  let zookeeper: OurZooKeeper
  let broker: OurBroker
  let kafkaCutter: Cutter
  let zooKeeperCutter: Cutter
  let namespace: string
  let calm: Contact

  const over = new AbortController()
  let starts = 0
  let supervised: Promise<void> | undefined
  /** An operator that lost its Lease ends; Kubernetes starts it again. */
  const supervise = async (start: () => Promise<Operator>): Promise<void> => {
    while (!over.signal.aborted) {
      place.operator = await start()
      starts++
      await place.operator.stopped
    }
  }

  beforeAll(async () => {
    await place.start(startEmbeddedLab)
    await place.operator.stop()
    zookeeper = await startOurZooKeeper()
    const [plain, inner] = [await freePort(), await freePort()]
    kafkaCutter = await startCutter(inner)
    zooKeeperCutter = await startCutter(zookeeper.port)
    broker = await startOurBroker({
      id: 0,
      zookeeper: zookeeper.connect,
      sasl: { user: OPERATOR_USER, password: PASSWORD },
      extra: [
        `listeners=PLAINTEXT://127.0.0.1:${plain},INTERNAL://127.0.0.1:${inner}`,
        `advertised.listeners=PLAINTEXT://127.0.0.1:${plain},INTERNAL://127.0.0.1:${kafkaCutter.port}`,
        'inter.broker.listener.name=PLAINTEXT',
      ],
    })
    proxy = new ChaosProxy(place.connection, { share: 0.12, random })
    const contactsThrough = (brokerPort: number, zooKeeperPort: number) =>
      new KafkaContacts({
        clock: monotonicClock,
        logger: silentLogger,
        home: () => Promise.resolve('chaos'),
        entrance: () =>
          Promise.resolve({
            brokers: [{ host: '127.0.0.1', port: brokerPort }],
            zookeeper: { servers: [{ host: '127.0.0.1', port: zooKeeperPort }] },
            passwords: [PASSWORD],
          }),
      })
    const connection = await proxy.start()
    const contacts = () => audit.wrap(contactsThrough(kafkaCutter.port, zooKeeperCutter.port))
    supervised = supervise(() =>
      place.startOperator({ connection, hasLeaderElection: HAS_LEASE, relistMs: 15_000, deadlineMs: 30_000, contacts }),
    )
    await eventually(() => starts > 0)
    await place.operator.leading
    namespace = (await place.servedCluster()).namespace
    calm = await contactsThrough(kafkaCutter.port, zookeeper.port).get({ namespace, name: 'ant' })
  }, 120_000)
  afterAll(async () => {
    over.abort()
    await place.operator.stop()
    await supervised
    await place.stop()
    await proxy?.stop()
    await broker?.stop()
    await zookeeper?.stop()
    await kafkaCutter?.close()
    await zooKeeperCutter?.close()
  })

  /** What there must be in the end, and what must never have been done. */
  const wanted = { topics: new Map<string, Topic>(), users: new Map<string, User>() }
  const gone = { deleted: new Set<string>(), retained: new Set<string>() }
  const passwords = new Map<string, string>()
  let serial = 0

  const oneOf = <T>(values: Iterable<T>): T | undefined => {
    const all = [...values]
    return all[Math.floor(random() * all.length)]
  }
  const put = async (object: Topic | User) => void (await place.put(object))

  const changes: (() => Promise<void>)[] = [
    async () => {
      if (wanted.topics.size >= MAX_TOPICS) return
      const name = `t${++serial}`
      const object = topic(name, namespace, { partitions: 1, deletionPolicy: random() < 0.5 ? 'Delete' : 'Retain' })
      wanted.topics.set(name, object)
      await put(object)
    },
    async () => {
      const object = oneOf(wanted.topics.values())
      if (!object) return
      const config = { 'retention.ms': Math.floor(random() * 1e9) }
      const partitions = (object.spec.partitions ?? 1) + (random() < 0.3 ? 1 : 0)
      const changed: Topic = { ...object, spec: { ...object.spec, partitions, config } }
      wanted.topics.set(object.metadata.name, changed)
      await put(changed)
    },
    async () => {
      const object = random() < 0.4 ? oneOf(wanted.topics.values()) : undefined
      if (!object) return
      const { name } = object.metadata
      wanted.topics.delete(name)
      gone[object.spec.deletionPolicy === 'Delete' ? 'deleted' : 'retained'].add(name)
      // A topic that is kept must be there before its resource goes, or there is nothing to keep.
      await eventually(() => audit.count(`create ${name}`) > 0 || calm.admin.describeTopics([name]).then((found) => found.has(name)), {
        timeoutMs: 240_000,
        everyMs: 500,
        what: `${name} made`,
      })
      await place.kube.delete(topics, keyOf(object))
    },
    async () => {
      if (wanted.users.size >= MAX_USERS) return
      const name = `u${++serial}`
      const object = user(name, namespace)
      wanted.users.set(name, object)
      await put(object)
    },
  ]

  const breakBrokers = async (until: number): Promise<void> => {
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 2000 + random() * 6000))
      const cutter = random() < 0.7 ? kafkaCutter : zooKeeperCutter
      const how = oneOf(['cut', 'freeze', 'refuse'] as const)!
      cutter[how]()
      await new Promise((resolve) => setTimeout(resolve, how === 'cut' ? 0 : 500 + random() * 6000))
      cutter.heal()
    }
  }

  const isSettled = async (): Promise<boolean> => {
    const all: (KubeObject & { status?: Topic['status'] })[] = [
      ...(await place.kube.list(topics, { namespace })).items,
      ...(await place.kube.list(users, { namespace })).items,
    ]
    return all.every(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp &&
        status?.observedGeneration === metadata.generation &&
        conditionOf(status?.conditions, 'Ready')?.status === 'True',
    )
  }

  /** Kafka has what is asked for, keeps what is to be kept, and has no more of what is to be gone. */
  const expectAsked = async (): Promise<void> => {
    for (const [name, { spec }] of wanted.topics) {
      expect((await calm.admin.describeTopics([name])).get(name)?.partitions, name).toBe(spec.partitions)
      const configs = (await calm.admin.describeTopicConfigs([name])).get(name) as Map<string, { value: string | null }>
      const wish = spec.config?.['retention.ms']
      if (wish !== undefined) expect(configs.get('retention.ms')?.value, name).toBe(String(wish))
    }
    for (const name of gone.retained) expect((await calm.admin.describeTopics([name])).has(name), `${name} is kept`).toBe(true)
    for (const name of gone.deleted)
      await eventually(async () => !(await calm.admin.describeTopics([name])).has(name), { timeoutMs: 30_000, what: `${name} deleted` })
    for (const name of wanted.users.keys()) {
      const secret = (await place.kube.get(secrets, { namespace, name }))!
      const password = secret.data!['password']!
      expect(password, `${name} keeps its password`).toBe(passwords.get(name) ?? password)
      const credential = await calm.scramCredential(name, 'SCRAM-SHA-512')
      expect(await verifyPassword('SCRAM-SHA-512', Buffer.from(password, 'base64').toString(), credential!), name).toBe(true)
    }
  }

  /** Nothing was made twice, and nothing deleted that was not to be; in Kubernetes the operator had nothing to delete. */
  const expectAudit = (): void => {
    const deleted = audit.done.filter((what) => what.startsWith('delete ')).map((what) => what.slice('delete '.length))
    expect(deleted.filter((name) => !gone.deleted.has(name))).toEqual([])
    expect([...wanted.topics.keys(), ...gone.retained].filter((name) => audit.count(`create ${name}`) > 1)).toEqual([])
    expect(proxy.writes.filter(({ method }) => method === 'DELETE')).toEqual([])
  }

  const notePasswords = async (): Promise<void> => {
    for (const { metadata, data } of (await place.kube.list(secrets, { namespace })).items)
      if (data?.['password'] && !passwords.has(metadata.name)) passwords.set(metadata.name, data['password'])
  }

  test(
    'everything becomes as it was asked for, once, and nothing else is touched',
    async () => {
      const until = performance.now() + SECONDS * 1000
      const breaking = breakBrokers(until)
      while (performance.now() < until) {
        await oneOf(changes)!()
        await notePasswords()
        await new Promise((resolve) => setTimeout(resolve, 150))
      }
      await breaking
      proxy.share = 0
      await eventually(isSettled, { timeoutMs: 240_000, everyMs: 500, what: 'everything settled' })
      await expectAsked()
      expect(audit.done.length).toBeGreaterThan(wanted.topics.size)
      expectAudit()
      if (!HAS_LEASE) expect(starts).toBe(1)
      if (SECONDS >= 60) expect(proxy.faults.size, 'every fault was met').toBe(7)
      console.log(
        `${serial} resources, faults ${JSON.stringify([...proxy.faults])}, ${audit.done.length} topics made or deleted, ${starts} starts`,
      )
    },
    (SECONDS + 600) * 1000,
  )
})
