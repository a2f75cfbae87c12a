import { X509Certificate } from 'node:crypto'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters } from '../../../src/api/index.ts'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import * as resources from '../../../src/kube/resources.ts'
import { textOf } from '../../../src/kube/secret-data.ts'
import { certificatesIn } from '../../../src/security/certificates.ts'
import { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { tlsDial } from '../../../src/zookeeper/socket.ts'
import { lacks } from '../../support/needs.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { makeNamespace } from '../support/lab.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'
import { ZooKeeperNodes } from '../support/zookeeper-nodes.ts'

const SECURE_PORT = 2182

describe.skipIf(lacks('java', 'maven')).each([{ hasTls: false }, { hasTls: true }])(
  'an ensemble of Apache ZooKeeper that the operator runs, TLS: $hasTls',
  ({ hasTls }) => {
    const lab = new OperatorLab()
    let nodes: ZooKeeperNodes
    let namespace: string
    let login: { username: string; password: string }
    let authority = ''
    const written: string[] = []

    const specOf = (replicas: number) => ({
      zookeeper: {
        replicas,
        image: 'zookeeper:3.9',
        storage: { size: '1Gi' },
        ...(hasTls ? { tls: { enabled: true }, metrics: { enabled: true } } : {}),
      },
      brokers: [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }],
    })
    const connect = (server: number) =>
      ZooKeeperClient.connect({
        servers: [{ ...nodes.addressOf(server), ...(hasTls ? { port: SECURE_PORT } : {}) }],
        ...(hasTls ? { dial: tlsDial(() => ({ ca: authority, checksName: false })) } : {}),
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
      if (!hasTls) return
      const ca = await eventually(() => lab.kube.get(resources.secrets, { namespace, name: 'ant-cluster-ca' }))
      authority = textOf(ca, 'ca.crt')!
    }, 180_000)
    afterAll(async () => {
      await nodes?.stop()
      await lab.stop()
    })

    test('goes from one to several and back with the volumes of removed servers kept, and loses nothing', async () => {
      for (const count of hasTls ? [1, 3] : [1, 3, 1, 3, 5, 3]) await scale(count)
    }, 400_000)

    test.skipIf(!hasTls)(
      'shows servers and clients another certificate when there is one, and no server is restarted',
      async () => {
        const secret = { namespace, name: 'ant-zookeeper-certificates' }
        const certificateNow = async () => certificatesIn(textOf(await lab.kube.get(resources.secrets, secret), 'server.pem') ?? '')[0]
        const shown = (server: number) =>
          new Promise<string>((resolve, reject) => {
            const socket = connectTls({ ...nodes.addressOf(server), port: SECURE_PORT, rejectUnauthorized: false }, () => {
              resolve(socket.getPeerX509Certificate()!.fingerprint256)
              socket.destroy()
            })
            socket.on('error', reject)
          })
        const uids = async () =>
          (await lab.kube.list(resources.pods, { namespace })).items
            .map(({ metadata }) => metadata.uid!)
            .toSorted((a, b) => a.localeCompare(b))
        const [pods, before] = [await uids(), await certificateNow()]
        await lab.kube.delete(resources.secrets, secret)
        await lab.kube.patch(clusters, { namespace, name: 'ant' }, 'merge', { metadata: { annotations: { look: 'again' } } })
        const after = await eventually(async () => {
          const now = await certificateNow()
          return now !== before && now
        })
        const { fingerprint256 } = new X509Certificate(after)
        for (const server of [1, 2, 3]) {
          await eventually(async () => (await shown(server)) === fingerprint256, {
            timeoutMs: 60_000,
            everyMs: 500,
            what: `server ${server}`,
          })
        }
        expect(await uids()).toEqual(pods)
        await nodes.crash(['ant-zookeeper-0'])
        await isHealthy(3)
      },
      120_000,
    )

    test.skipIf(!hasTls)('tells Prometheus who leads and how many follow', async () => {
      const scrapes = await Promise.all(
        [1, 2, 3].map(async (server) => (await fetch(`http://${nodes.addressOf(server).host}:9404/metrics`)).text()),
      )
      expect(scrapes.filter((text) => /^learners 2(\.0)?$/m.test(text))).toHaveLength(1)
      for (const text of scrapes) expect(text).toMatch(/^znode_count \d/m)
    })

    test('survives the end of a majority, and of all, without a change of members', async () => {
      await nodes.crash(['ant-zookeeper-0', 'ant-zookeeper-1'])
      await isHealthy(3)
      await nodes.crash(['ant-zookeeper-0', 'ant-zookeeper-1', 'ant-zookeeper-2'])
      await isHealthy(3)
    }, 120_000)
  },
)
