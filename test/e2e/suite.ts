import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Admin, type ISocketFactory, Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pidsOf } from '../local/support/machine.ts'
import { eventually } from '../support/net.ts'
import { ApacheTools } from '../support/tools.ts'
import { execute, Kubectl, type Executed, type Login, QUICKSTART, type Substrate } from './substrate.ts'
import { readableTexts, secretTexts } from './secrets.ts'
import { Traffic } from './traffic.ts'

type Conditions = { status?: { conditions?: { type: string; status: string; reason: string; message: string }[] } }
type Pod = {
  metadata: { uid: string }
  status: { podIP: string; containerStatuses: { restartCount: number; lastState: { terminated?: object } }[] }
}
const RECORDS = 10_000
/** A user who may do everything with topics and groups, made as anybody would make one. */
export const ADMIN = `apiVersion: sofakafka.io/v1beta1
kind: User
metadata: {name: tester}
spec: {clusterRef: {name: quickstart}}
---
apiVersion: sofakafka.io/v1beta1
kind: Acl
metadata: {name: tester}
spec:
  clusterRef: {name: quickstart}
  user: tester
  rules:
    - {resource: {type: Topic, name: "*"}, operations: [All]}
    - {resource: {type: Group, name: "*"}, operations: [All]}
`
const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: patched}
spec: {ports: [{name: a, port: 80}, {name: b, port: 81}]}
`
const topicYaml = (name: string, deletionPolicy: 'Delete' | 'Retain') =>
  `apiVersion: sofakafka.io/v1beta1\nkind: Topic\nmetadata: {name: ${name}}\nspec: {clusterRef: {name: quickstart}, partitions: 6, replicas: 1, deletionPolicy: ${deletionPolicy}}\n`
/** The first document: the Cluster. */
const CLUSTER = readFileSync(QUICKSTART, 'utf8').split('\n---\n')[0]!
const condition = ({ status }: Conditions, type = 'Ready') => status?.conditions?.find((each) => each.type === type)

/** A client of a User; `socketFactory` where it resolves names in its own way. */
export const clientOf = ({ username, password, bootstrap }: Login, socketFactory?: ISocketFactory) =>
  new Kafka({
    ...(socketFactory ? { socketFactory } : {}),
    brokers: bootstrap,
    clientId: 'e2e',
    logLevel: logLevel.NOTHING,
    sasl: { mechanism: 'scram-sha-512', username, password } as SASLOptions,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 },
  })

/** What must hold wherever the quickstart's custom resources run. `start` gives a place where they, the CRDs and the operator have been applied. */
export const clusterSuite = <Place extends Substrate>(
  name: string,
  isSkipped: boolean,
  start: () => Promise<Place>,
  /** Tests that hold at this place only; they come last. */
  more?: (place: () => Place, kubectl: () => Kubectl) => void,
): void => {
  describe.skipIf(isSkipped)(name, () => {
    let substrate: Place
    let kubectl: Kubectl
    let tools: ApacheTools
    let app: Login
    let reader: Login
    let admin: Login
    const following: (() => void)[] = []

    const properties = ({ username, password }: Login): string => {
      const path = join(substrate.directory, `${username}.properties`)
      const jaas = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${username}" password="${password}";`
      writeFileSync(path, `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=${jaas}\n`)
      return path
    }
    /** Not spawnSync: the kubelet may live in this process. */
    const kcat = ({ username, password, bootstrap }: Login, args: string[], input?: string): Promise<Executed> => {
      const path = join(substrate.directory, `${username}.kcat`)
      writeFileSync(
        path,
        `security.protocol=SASL_PLAINTEXT\nsasl.mechanisms=SCRAM-SHA-512\nsasl.username=${username}\nsasl.password=${password}\n`,
      )
      return execute('kcat', ['-F', path, '-b', bootstrap.join(','), ...args], input)
    }
    const asAdmin = async <T>(ask: (kafka: Admin) => Promise<T>): Promise<T> => {
      const kafka = clientOf(admin).admin()
      await kafka.connect()
      return ask(kafka).finally(() => kafka.disconnect())
    }
    /** A kubectl that runs on. */
    const follow = (args: string[]) => {
      const child = spawn('kubectl', ['--kubeconfig', substrate.kubeconfig, ...args])
      const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
      const followed = { output: '', exited, end: () => void child.kill('SIGKILL') }
      child.stdout.on('data', (chunk: Buffer) => (followed.output += chunk.toString()))
      following.push(followed.end)
      return followed
    }
    const ready = (what: string, timeout = '60s') => kubectl.ok(['wait', '--for=condition=Ready', what, `--timeout=${timeout}`])

    beforeAll(async () => {
      substrate = await start()
      kubectl = new Kubectl(substrate)
      tools = new ApacheTools()
      for (const what of [
        'skc/quickstart',
        'skt/orders',
        'skt/payments',
        'sku/orders-app',
        'sku/orders-reader',
        'ska/orders-app',
        'ska/orders-reader',
      ])
        await ready(what)
      expect((await kubectl.apply(ADMIN)).stderr).toBe('')
      await ready('sku/tester')
      await ready('ska/tester')
      admin = await kubectl.login('tester')
      app = await kubectl.login('orders-app')
      reader = await kubectl.login('orders-reader')
    }, 600_000)
    afterAll(async () => {
      for (const end of following) end()
      tools?.stop()
      await substrate?.stop()
    }, 120_000)

    test('kubectl shows the resources with their columns, and describes them with events', async () => {
      expect(await kubectl.ok(['get', 'skc'])).toMatch(/^NAME\s.*READY/m)
      expect(await kubectl.ok(['get', 'sofakafka'])).toContain('topic.sofakafka.io/orders')
      expect(await kubectl.ok(['get', 'pods'])).toMatch(/quickstart-kafka-2\s+1\/1\s+Running/)
      expect(await kubectl.ok(['describe', 'skc', 'quickstart'])).toMatch(/Cluster Id:\s+\S{22}/)
      const { topics } = await asAdmin((kafka) => kafka.fetchTopicMetadata({ topics: ['orders'] }))
      expect(new Set(topics[0]!.partitions.map(({ leader }) => leader)), 'every broker has its share').toEqual(new Set([0, 1, 2]))
      const log = await kubectl.ok(['logs', 'quickstart-kafka-0'])
      expect(log).toContain('broker serves')
      expect(log, 'a name that only the kubelet resolves').toContain('"server":"quickstart-zookeeper-client.default.svc:2181"')
    })

    test('kafkajs produces 10,000 records as one user and consumes them by group as another', async () => {
      const producer = clientOf(app).producer({ allowAutoTopicCreation: false })
      await producer.connect()
      for (let sent = 0; sent < RECORDS; sent += 1000) {
        const messages = Array.from({ length: 1000 }, (_unused, index) => ({
          key: `k${sent + index}`,
          value: `v${sent + index}`,
          headers: { h: 'x' },
        }))
        await producer.send({ topic: 'orders', acks: -1, messages })
      }
      await producer.disconnect()
      const consumer = clientOf(reader).consumer({ groupId: 'orders-kafkajs', minBytes: 1, maxWaitTimeInMs: 100 })
      const seen = new Set<string>()
      await consumer.connect()
      await consumer.subscribe({ topic: 'orders', fromBeginning: true })
      await consumer.run({ eachMessage: async ({ message }) => void seen.add(message.value!.toString()) })
      await eventually(() => seen.size === RECORDS, { timeoutMs: 30_000, what: 'every record is consumed' })
      await consumer.disconnect()
    })

    test('kcat produces and consumes by group', async () => {
      const lines = Array.from({ length: RECORDS }, (_unused, index) => `kcat-${index}`)
      const produced = await kcat(app, ['-P', '-t', 'payments', '-X', 'acks=all'], lines.join('\n'))
      expect([produced.code, produced.stderr.replace(/^% Reading configuration.*\n/, '')]).toEqual([0, ''])
      const consumed = await kcat(admin, ['-C', '-t', 'payments', '-o', 'beginning', '-e', '-q'])
      expect(new Set(consumed.stdout.trim().split('\n')).size).toBe(RECORDS)
      const grouped = await kcat(reader, ['-G', 'orders-kcat', '-X', 'auto.offset.reset=earliest', '-c', String(RECORDS), '-q', 'orders'])
      expect(grouped.stdout.trim().split('\n')).toHaveLength(RECORDS)
    })

    test('Apache\u2019s tools make a topic, produce and consume it by group', async () => {
      const at = ['--bootstrap-server', admin.bootstrap.join(',')]
      await tools.ok('kafka.admin.TopicCommand', [
        ...at,
        '--command-config',
        properties(admin),
        '--create',
        '--topic',
        'orders-by-tool',
        '--partitions',
        '3',
        '--replication-factor',
        '1',
      ])
      const lines = Array.from({ length: RECORDS }, (_unused, index) => `tool-${index}`)
      await tools.ok(
        'kafka.tools.ConsoleProducer',
        [...at, '--topic', 'orders-by-tool', '--producer.config', properties(admin)],
        `${lines.join('\n')}\n`,
      )
      const consumer = [
        '--topic',
        'orders-by-tool',
        '--group',
        'tools',
        '--from-beginning',
        '--max-messages',
        String(RECORDS),
        '--timeout-ms',
        '30000',
      ]
      const output = await tools.ok('kafka.tools.ConsoleConsumer', [...at, ...consumer, '--consumer.config', properties(admin)])
      expect(new Set(output.split('\n').filter((line) => line.startsWith('tool-'))).size).toBe(RECORDS)
    })

    test('a user without the ACL and a wrong password get Kafka\u2019s errors', async () => {
      const denied = await kcat(reader, ['-P', '-t', 'orders'], 'x\n')
      expect(denied.stderr).toContain('Topic authorization failed')
      const file = properties({ ...app, password: 'wrong' })
      const refused = await tools.run(
        'kafka.tools.ConsoleProducer',
        ['--bootstrap-server', app.bootstrap.join(','), '--topic', 'orders', '--producer.config', file],
        'x\n',
      )
      expect(refused.output).toContain(
        'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512',
      )
      const unseen = await tools.run('kafka.tools.ConsoleConsumer', [
        '--bootstrap-server',
        app.bootstrap.join(','),
        '--topic',
        'payments',
        '--consumer.config',
        properties(reader),
        '--group',
        'orders-x',
        '--timeout-ms',
        '5000',
      ])
      expect(unseen.output).toContain('Not authorized to access topics: [payments]')
    })

    test('a Topic grows by its resource, and to shrink it is refused at admission in words', async () => {
      await kubectl.ok(['patch', 'skt', 'payments', '--type=merge', '-p', '{"spec":{"partitions":5}}'])
      await eventually(
        async () => (await kubectl.json<{ status: { partitions?: number } }>('get', 'skt', 'payments')).status.partitions === 5,
        { timeoutMs: 20_000 },
      )
      const { topics } = await asAdmin((kafka) => kafka.fetchTopicMetadata({ topics: ['payments'] }))
      expect(topics[0]!.partitions).toHaveLength(5)
      const shrunk = await kubectl.run(['patch', 'skt', 'payments', '--type=merge', '-p', '{"spec":{"partitions":2}}'])
      expect(shrunk.code).not.toBe(0)
      expect(shrunk.stderr).toMatch(/partitions/)
    })

    test('of two Topics for one topic the older wins, and the other says so', async () => {
      const yaml =
        'apiVersion: sofakafka.io/v1beta1\nkind: Topic\nmetadata: {name: orders-twin}\nspec: {clusterRef: {name: quickstart}, name: orders, partitions: 6}\n'
      expect((await kubectl.apply(yaml)).stderr).toBe('')
      const twin = await eventually(async () => {
        const found = condition(await kubectl.json<Conditions>('get', 'skt', 'orders-twin'))
        return found?.status === 'False' ? found : undefined
      })
      expect(twin.reason).toBe('ResourceConflict')
      expect(condition(await kubectl.json<Conditions>('get', 'skt', 'orders'))?.status).toBe('True')
      await kubectl.ok(['delete', 'skt', 'orders-twin', '--timeout=30s'])
    })

    test('get -w shows a change', async () => {
      const watch = follow(['get', 'skt', 'orders', '-w', '-o', 'jsonpath={.metadata.labels.seen}{"\\n"}'])
      await eventually(() => watch.output.length > 0, { timeoutMs: 20_000 })
      await kubectl.ok(['label', 'skt', 'orders', 'seen=yes'])
      await eventually(() => watch.output.includes('yes'), { timeoutMs: 20_000 })
      watch.end()
    })

    test('JSON and strategic patches change what they name and leave the rest', async () => {
      const json = '[{"op":"test","path":"/spec/partitions","value":5},{"op":"replace","path":"/spec/partitions","value":6}]'
      await kubectl.ok(['patch', 'skt', 'payments', '--type=json', '-p', json])
      await eventually(
        async () => (await kubectl.json<{ status: { partitions?: number } }>('get', 'skt', 'payments')).status.partitions === 6,
        { timeoutMs: 20_000 },
      )
      const stale = await kubectl.run(['patch', 'skt', 'payments', '--type=json', '-p', json])
      expect(stale.code).not.toBe(0)
      // By the key of the list's items: one port is changed, the other stays.
      expect((await kubectl.apply(SERVICE)).stderr).toBe('')
      await kubectl.ok(['patch', 'service', 'patched', '-p', '{"spec":{"ports":[{"port":81,"targetPort":8081}]}}'])
      const { spec } = await kubectl.json<{ spec: { ports: { name: string; targetPort: number }[] } }>('get', 'service', 'patched')
      expect(spec.ports.map(({ name, targetPort }) => [name, targetPort])).toEqual([
        ['a', 80],
        ['b', 8081],
      ])
      await kubectl.ok(['delete', 'service', 'patched'])
      const custom = await kubectl.run(['patch', 'skt', 'payments', '--type=strategic', '-p', '{"spec":{"partitions":7}}'])
      expect(custom.code).not.toBe(0)
    })

    test('delete of a Topic whose deletionPolicy is Delete takes the topic with it', async () => {
      expect((await kubectl.apply(topicYaml('passing', 'Delete'))).stderr).toBe('')
      await ready('skt/passing')
      const topics = () => asAdmin((kafka) => kafka.listTopics())
      expect(await topics()).toContain('passing')
      expect(await kubectl.ok(['delete', 'skt', 'passing', '--timeout=30s'])).toContain('deleted')
      expect((await kubectl.run(['get', 'skt', 'passing'])).stderr).toContain('not found')
      await eventually(async () => !(await topics()).includes('passing'), { timeoutMs: 20_000, everyMs: 100 })
    })

    test('after kill -9 a broker is back as itself with every acknowledged record, and clients go on', async () => {
      expect((await kubectl.apply(topicYaml('survivor', 'Retain'))).stderr).toBe('')
      await ready('skt/survivor')
      const traffic = await Traffic.start(clientOf(admin), 'survivor')
      const logs = follow(['logs', '-f', 'quickstart-kafka-1'])
      const before = await kubectl.json<Pod>('get', 'pod', 'quickstart-kafka-1')
      expect(before.status.containerStatuses[0]!.restartCount).toBe(0)
      await eventually(() => logs.output.includes('broker serves') && traffic.consumed.size > 20, { timeoutMs: 20_000 })
      const wrong = { ...app, password: 'wrong', bootstrap: [`${before.status.podIP}:9092`] }
      const failures = () => logs.output.split('login failed').length
      const seen = failures()
      await expect(clientOf(wrong).admin().connect()).rejects.toThrow('invalid credentials with SASL mechanism SCRAM-SHA-512')
      await eventually(() => failures() > seen, { what: 'the followed log shows the failed login' })
      if (substrate.killContainer) await substrate.killContainer('quickstart-kafka-1')
      else process.kill(pidsOf(substrate.directory, before.metadata.uid)[0]!, 'SIGKILL')
      await eventually(
        async () => (await kubectl.json<Pod>('get', 'pod', 'quickstart-kafka-1')).status.containerStatuses[0]!.restartCount === 1,
        { timeoutMs: 20_000, everyMs: 100 },
      )
      await ready('pod/quickstart-kafka-1')
      const after = await kubectl.json<Pod>('get', 'pod', 'quickstart-kafka-1')
      expect([after.metadata.uid, after.status.podIP]).toEqual([before.metadata.uid, before.status.podIP])
      expect(after.status.containerStatuses[0]!.lastState.terminated).toMatchObject({ exitCode: 137, reason: 'Error' })
      await traffic.goesOnEverywhere()
      await traffic.stop()
      await eventually(() => traffic.missing().length === 0, { timeoutMs: 30_000, what: 'every acknowledged record is consumed' })
      await traffic.close()
      // The log that was followed ended with its process; it is the previous one now.
      expect(await logs.exited).toBe(0)
      expect(await kubectl.ok(['logs', '--previous', 'quickstart-kafka-1'])).toBe(logs.output)
      await ready('skc/quickstart')
    }, 120_000)

    test('no password and no key is in a log, an event, an argument or an object that is no Secret', async () => {
      const secret = await secretTexts(kubectl)
      expect([...secret.values()].some((where) => where.includes('quickstart-credentials'))).toBe(true)
      expect(secret.has(app.password)).toBe(true)
      const readable = await readableTexts(kubectl)
      expect([...readable.keys()]).toContain('the log of quickstart-kafka-0')
      const found = [...readable].flatMap(([place, text]) =>
        [...secret].filter(([needle]) => text.includes(needle)).map(([, where]) => `${where} in ${place}`),
      )
      expect(found).toEqual([])
    })

    test('a Cluster deleted and applied again has its id, its records and its users\u2019 passwords', async () => {
      const before = await kubectl.json<{ status: { clusterId: string } }>('get', 'skc', 'quickstart')
      await kubectl.ok(['delete', 'skc', 'quickstart', '--timeout=60s'])
      // Kubernetes' garbage collector looks for new kinds every 30 s only, and knows ours that late.
      await eventually(async () => !(await kubectl.ok(['get', 'pods'])).includes('quickstart-kafka'), {
        timeoutMs: 90_000,
        everyMs: 200,
        what: 'the pods are gone',
      })
      expect((await kubectl.apply(CLUSTER)).code).toBe(0)
      await ready('skc/quickstart', '90s')
      const after = await kubectl.json<{ status: { clusterId: string } }>('get', 'skc', 'quickstart')
      expect(after.status.clusterId).toBe(before.status.clusterId)
      const again = { ...reader, bootstrap: (await kubectl.login('orders-reader')).bootstrap }
      const grouped = await kcat(again, ['-C', '-t', 'orders', '-o', 'beginning', '-e', '-q'])
      expect(grouped.stdout.trim().split('\n')).toHaveLength(RECORDS)
    }, 200_000)

    more?.(
      () => substrate,
      () => kubectl,
    )
  })
}
