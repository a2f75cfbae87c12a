import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import * as resources from '../../src/kube/resources.ts'
import { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { startEmbeddedLab } from './embedded-lab.ts'
import { makeNamespace } from './lab.ts'
import { cluster } from './objects.ts'
import { OperatorLab } from './operator-lab.ts'
import { ZooKeeperNodes } from './zookeeper-nodes.ts'

describe.skipIf(lacks('java', 'maven'))('an ensemble of Apache ZooKeeper that the operator runs', () => {
  const lab = new OperatorLab()
  let nodes: ZooKeeperNodes
  let namespace: string
  let login: { username: string; password: string }
  const written: string[] = []

  const specOf = (replicas: number) => ({
    zookeeper: { replicas, image: 'zookeeper:3.9', storage: { size: '1Gi' } },
    brokers: [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }],
  })
  const connect = (server: number) =>
    ZooKeeperClient.connect({
      servers: [nodes.addressOf(server)],
      sessionTimeoutMs: 5000,
      connectTimeoutMs: 5000,
      saslDigest: login,
      clock: monotonicClock,
      logger: silentLogger,
    })
  /** The servers are these, one leads, each has everything that was ever written, and one more thing can be written. */
  const isHealthy = async (count: number): Promise<void> => {
    await eventually(async () => (await nodes.modes(7)).filter(Boolean).length === count, { timeoutMs: 60_000, what: `${count} serve` })
    const modes = (await nodes.modes(count)).filter((mode) => mode !== undefined)
    expect(modes.toSorted()).toEqual([...Array.from({ length: count - 1 }, () => 'follower'), 'leader'])
    for (let server = 1; server <= count; server++) {
      const client = await connect(server)
      await client.sync()
      const { members } = await client.getConfig()
      expect(members.map(({ id, role }) => `${id} ${role}`)).toEqual(
        Array.from({ length: count }, (_unused, index) => `${index + 1} participant`),
      )
      if (server === 1) written.push(await client.create(`/written-${written.length}`, Buffer.from('x')))
      await client.sync()
      expect((await client.children('/')).children).toEqual(expect.arrayContaining(written.map((path) => path.slice(1))))
      await client.close()
    }
  }
  const scale = async (count: number): Promise<void> => {
    await lab.put(cluster('ant', namespace, specOf(count)))
    await eventually(
      async () => {
        const { items } = await lab.kube.list(resources.pods, { namespace })
        const now = await lab.read(cluster('ant', namespace))
        const ready = now.status?.conditions?.find(({ type }) => type === 'Ready')
        const isReady = ready?.status === 'True' && ready.observedGeneration === now.metadata.generation
        return isReady && items.filter(({ metadata }) => metadata.name.includes('zookeeper')).length === count
      },
      { timeoutMs: 90_000, everyMs: 200, what: `Ready with ${count} servers` },
    ).catch(async (error: unknown) => {
      const why = JSON.stringify(await lab.readyOf(cluster('ant', namespace)))
      throw new Error(`${why} ${JSON.stringify(await nodes.modes(5))} ${nodes.output('ant-zookeeper-1').slice(-3000)}`, { cause: error })
    })
    await isHealthy(count)
  }

  beforeAll(async () => {
    await lab.start(startEmbeddedLab)
    nodes = new ZooKeeperNodes(lab.kube)
    await nodes.start()
    await lab.operator.stop()
    lab.operator = await lab.startOperator({ ensembles: nodes.ensembles })
    await lab.operator.leading
    namespace = await makeNamespace(lab.kube)
    await lab.put(cluster('ant', namespace, specOf(1)))
    const secret = await eventually(() => lab.kube.get(resources.secrets, { namespace, name: 'ant-zookeeper-login' }))
    const text = (key: string) => Buffer.from(secret.data![key]!, 'base64').toString()
    login = { username: text('username'), password: text('password') }
  }, 60_000)
  afterAll(async () => {
    await nodes?.stop()
    await lab.stop()
  })

  test('goes 1, 3, 1, 3, 5, 3 with the volumes of removed servers kept, and loses nothing', async () => {
    for (const count of [1, 3, 1, 3, 5, 3]) await scale(count)
  }, 400_000)

  test('survives the end of a majority, and of all, without a change of members', async () => {
    await nodes.crash(['ant-zookeeper-0', 'ant-zookeeper-1'])
    await isHealthy(3)
    await nodes.crash(['ant-zookeeper-0', 'ant-zookeeper-1', 'ant-zookeeper-2'])
    await isHealthy(3)
  }, 120_000)
})
