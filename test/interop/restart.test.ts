import { spawnSync } from 'node:child_process'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'
import { slowness } from '../support/slowness.ts'

const readAll = (broker: OurBroker, topic: string): string[] => {
  const kcat = spawnSync('kcat', ['-b', `127.0.0.1:${broker.port}`, '-C', '-t', topic, '-o', 'beginning', '-e', '-q'], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  if (kcat.status !== 0) throw new Error(kcat.stderr)
  return kcat.stdout.split('\n').filter(Boolean)
}

describe.skipIf(lacks('kcat'))('a cluster of three brokers', () => {
  let zookeeper: OurZooKeeper
  let brokers: OurBroker[] = []
  let producer: Producer
  const kafka = () =>
    new Kafka({
      brokers: brokers.map(({ port }) => `127.0.0.1:${port}`),
      clientId: 'restart',
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 60 },
    })

  beforeAll(async () => {
    zookeeper = await startOurZooKeeper()
    brokers = await Promise.all([0, 1, 2].map((id) => startOurBroker({ id, zookeeper: zookeeper.connect })))
    producer = kafka().producer({ allowAutoTopicCreation: false })
    await producer.connect()
  })
  afterAll(async () => {
    await producer?.disconnect()
    await Promise.all(brokers.map((broker) => broker.stop()))
    await zookeeper?.stop()
  })

  /** Sends until told to stop; every value that was acknowledged. */
  const sendMeanwhile = async (topic: string, meanwhile: () => Promise<void>): Promise<string[]> => {
    const acknowledged: string[] = []
    const over = new AbortController()
    const sending = (async () => {
      for (let n = 0; !over.signal.aborted; n++) {
        const values = Array.from({ length: 10 }, (_unused, index) => `${n}-${index}`)
        await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value, partition: n % 3 })) })
        acknowledged.push(...values)
      }
    })()
    await eventually(() => acknowledged.length > 100)
    await meanwhile()
    const before = acknowledged.length
    await eventually(() => acknowledged.length > before + 100, { timeoutMs: 30_000, what: 'sending goes on' })
    over.abort()
    await sending
    return acknowledged
  }

  test('keeps every acknowledged record when a broker is killed, and clients go on by themselves', async () => {
    const admin = kafka().admin()
    await admin.createTopics({ topics: [{ topic: 'killed', numPartitions: 3, replicationFactor: 1 }], waitForLeaders: true })
    await admin.disconnect()
    const victim = brokers[1]!
    const acknowledged = await sendMeanwhile('killed', async () => {
      await victim.restart('SIGKILL')
    })
    const kept = new Set(readAll(brokers[0]!, 'killed'))
    expect(acknowledged.filter((value) => !kept.has(value))).toEqual([])
    expect(victim.program.output).toContain('removed what the last run of this broker left in ZooKeeper')
  })

  test('stops cleanly: the mark is there, the exit code is 0, and the next start trusts the logs', async () => {
    const broker = brokers[2]!
    const acknowledged = await sendMeanwhile('killed', async () => {
      expect(await broker.program.stop()).toBe(0)
      await broker.restart('SIGTERM')
    })
    expect(broker.program.output).toContain('"isClean":true')
    const kept = new Set(readAll(brokers[0]!, 'killed'))
    expect(acknowledged.filter((value) => !kept.has(value))).toEqual([])
  })

  test('answers /readyz and /healthz with 200 while it serves, and shows its metrics', async () => {
    const page = (path: string) => fetch(`http://127.0.0.1:${brokers[0]!.httpPort}/${path}`)
    expect([(await page('readyz')).status, (await page('healthz')).status, (await page('nothing')).status]).toEqual([200, 200, 404])
    expect(await (await page('metrics')).text()).toMatch(/^kafka_server_replicamanager_leadercount \d+$/m)
  })

  test('has another controller soon when the controller is killed', async () => {
    const controller = brokers.find(({ program }) => program.output.includes('this broker is the controller'))!
    await controller.program.kill('SIGKILL')
    await eventually(
      () => brokers.some((broker) => broker !== controller && broker.program.output.includes('this broker is the controller')),
      { timeoutMs: 15_000 },
    )
    await controller.restart('SIGKILL')
    const admin = kafka().admin()
    await admin.createTopics({ topics: [{ topic: 'after', numPartitions: 3, replicationFactor: 1 }], waitForLeaders: true })
    await admin.disconnect()
    await producer.send({ topic: 'after', messages: [{ value: 'x' }] })
  })

  test('goes on when ZooKeeper is killed and comes back', async () => {
    const acknowledged = await sendMeanwhile('killed', () => zookeeper.restart())
    const kept = new Set(readAll(brokers[0]!, 'killed'))
    expect(acknowledged.filter((value) => !kept.has(value))).toEqual([])
    const admin = kafka().admin()
    await eventually(
      () => admin.createTopics({ topics: [{ topic: 'later', numPartitions: 1, replicationFactor: 1 }], waitForLeaders: true }),
      { timeoutMs: 30_000 },
    )
    await admin.deleteTopics({ topics: ['later'] })
    await eventually(async () => !(await admin.listTopics()).includes('later'))
    await admin.disconnect()
  })

  test('stops in time when ZooKeeper is gone', async () => {
    await zookeeper.program.kill()
    const startedMs = performance.now()
    expect(await brokers[0]!.program.stop()).toBe(0)
    const tookMs = performance.now() - startedMs
    expect(tookMs).toBeLessThan(5_000 * slowness())
    await zookeeper.restart()
    await brokers[0]!.restart('SIGTERM')
  })
})
