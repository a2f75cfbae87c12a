import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { hasProducerId } from '../../src/protocol/records/record-batch.ts'
import { removeDirectory, startApacheKafka, temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'
import { eventually, freePort, waitForPort } from '../support/net.ts'

/** The release before this one: one broker per partition, no replicas, producers' sequences neither checked nor remembered. */
const PREVIOUS = '494c8d9'

const lacksPrevious = (): boolean => {
  if (spawnSync('git', ['cat-file', '-e', `${PREVIOUS}^{commit}`], { stdio: 'ignore' }).status === 0) return false
  if (process.env['CI']) throw new Error(`CI must have commit ${PREVIOUS}: fetch the whole history`)
  console.warn(`skipped: needs git and commit ${PREVIOUS}, the previous release`)
  return true
}

type Running = { stop(): Promise<void> }

const run = async (main: string, args: string[], logs: string | number): Promise<Running> => {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const died = exited.then((code) => Promise.reject(new Error(`${main} ended with ${code}\n${output}`)))
  const serves = typeof logs === 'number' ? waitForPort(logs, 20_000) : eventually(() => output.includes(logs), { what: `"${logs}"` })
  await Promise.race([serves, died])
  died.catch(() => {})
  return {
    stop: async () => {
      child.kill('SIGTERM')
      const code = await exited
      if (code !== 0) throw new Error(`${main} ended with ${code}\n${output}`)
    },
  }
}

describe.skipIf(lacksPrevious() || lacks('java', 'maven'))('data and znodes of this release', () => {
  const directory = temporaryDirectory('downgrade')
  const present = join(process.cwd(), 'src', 'main.ts')
  const previous = join(directory, 'previous', 'src', 'main.ts')
  const logs = join(directory, 'kafka', 'logs')
  const zooConfig = join(directory, 'zoo.cfg')
  const properties = join(directory, 'server.properties')
  const sent: string[] = []
  let [port, zooPort] = [0, 0]
  let running: Running[] = []

  beforeAll(async () => {
    mkdirSync(join(directory, 'previous'))
    const archive = execFileSync('git', ['archive', PREVIOUS, 'src', 'crds', 'package.json'], { maxBuffer: 1 << 28 })
    execFileSync('tar', ['-x', '-C', join(directory, 'previous')], { input: archive })
    symlinkSync(join(process.cwd(), 'node_modules'), join(directory, 'previous', 'node_modules'))
    ;[port, zooPort] = [await freePort(), await freePort()]
    mkdirSync(join(directory, 'zookeeper'))
    mkdirSync(join(directory, 'kafka'))
    writeFileSync(zooConfig, `tickTime=500\ndataDir=${directory}/zookeeper\nclientPort=${zooPort}\nclientPortAddress=127.0.0.1\n`)
    const lines = [
      'broker.id=1',
      `listeners=PLAINTEXT://127.0.0.1:${port}`,
      `log.dirs=${logs}`,
      `zookeeper.connect=127.0.0.1:${zooPort}`,
      'offsets.topic.replication.factor=1',
      'offsets.topic.num.partitions=3',
      'group.initial.rebalance.delay.ms=0',
    ]
    writeFileSync(properties, `${lines.join('\n')}\n`)
  })
  afterAll(async () => {
    for (const program of running.toReversed()) await program.stop()
    removeDirectory(directory)
  })

  const start = async (main: string): Promise<void> => {
    running = [await run(main, ['zookeeper', zooConfig], zooPort)]
    running.push(await run(main, ['broker', properties], 'broker serves'))
  }
  const startApache = async (): Promise<void> => {
    running = [await run(present, ['zookeeper', zooConfig], zooPort)]
    const dataDir = join(directory, 'kafka')
    running.push(
      await startApacheKafka({ zookeeper: `127.0.0.1:${zooPort}`, id: 1, port, dataDir, extra: ['offsets.topic.num.partitions=3'] }),
    )
  }
  const stop = async (): Promise<void> => {
    for (const program of running.toReversed()) await program.stop()
    running = []
  }
  const kafka = () =>
    new Kafka({
      brokers: [`127.0.0.1:${port}`],
      clientId: 'downgrade',
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 30 },
    })

  const send = async (prefix: string, idempotent: boolean): Promise<void> => {
    const producer = kafka().producer({ idempotent, allowAutoTopicCreation: false })
    // kafkajs gives up at once where the controller is not known yet.
    await eventually(() => producer.connect().then(() => true), { everyMs: 100, what: 'the producer connects' })
    for (let n = 0; n < 30; n++) {
      const values = Array.from({ length: 10 }, (_unused, index) => `${prefix}-${n}-${index}`)
      await producer.send({ topic: 't', messages: values.map((value) => ({ value, partition: n % 3 })) })
      sent.push(...values)
    }
    await producer.disconnect()
  }
  /** What a member of the group gets, which goes on where the group was; it commits all that it got when it has `count`. */
  const take = async (groupId: string, count: number): Promise<string[]> => {
    const consumer = kafka().consumer({ groupId, maxWaitTimeInMs: 100 })
    const values: string[] = []
    await consumer.connect()
    await consumer.subscribe({ topics: ['t'], fromBeginning: true })
    await consumer.run({ autoCommit: true, eachMessage: async ({ message }) => void values.push(String(message.value)) })
    await eventually(() => values.length >= count, { timeoutMs: 20_000, what: `${count} records for ${groupId}, not ${values.length}` })
    await consumer.stop()
    await consumer.disconnect()
    return values
  }
  const expectServed = async (by: string): Promise<void> => {
    expect((await take(`all by ${by}`, sent.length)).toSorted()).toEqual(sent.toSorted())
    const before = sent.length
    await send(by, false)
    // The group of all releases gets what is new, and nothing again.
    expect((await take('g', sent.length - before)).toSorted()).toEqual(sent.slice(before).toSorted())
    const admin = kafka().admin()
    await admin.connect()
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: 't', configNames: ['retention.ms'] }],
    })
    expect(resources[0]!.configEntries[0]!.configValue).toBe('700000000')
    await admin.disconnect()
  }
  const batchesOf = (partition: number): Buffer => {
    const path = join(logs, `t-${partition}`)
    const [first] = readdirSync(path).filter((name) => name.endsWith('.log'))
    return readFileSync(join(path, first!))
  }

  test('are served by the previous release, by this one again, and by Apache Kafka 2.6.3', { timeout: 120_000 }, async () => {
    const startedMs = monotonicClock.nowMs()
    await start(present)
    const admin = kafka().admin()
    const configEntries = [{ name: 'retention.ms', value: '700000000' }]
    // kafkajs gives up at once where the controller is not known yet.
    await admin.connect()
    await eventually(async () => (await admin.describeCluster()).controller !== null, { what: 'the controller is known' })
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: 3, replicationFactor: 1, configEntries }], waitForLeaders: true })
    await admin.disconnect()
    await send('first', true)
    expect((await take('g', sent.length)).toSorted()).toEqual(sent.toSorted())
    await stop()
    for (const partition of [0, 1, 2]) expect(hasProducerId(batchesOf(partition))).toBe(true)

    await start(previous)
    await expectServed('previous')
    await stop()
    await start(present)
    await send('idempotent again', true)
    await take('g', 300)
    await expectServed('present')
    await stop()
    await startApache()
    await expectServed('Apache')
    await stop()
    await start(present)
    await expectServed('after Apache')
    expect(monotonicClock.nowMs() - startedMs).toBeLessThan(110_000)
  })
})
