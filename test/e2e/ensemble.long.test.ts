import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { lacks, lacksNodes } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { type NodeName, ZOOKEEPER_IMAGE } from '../support/node-lab.ts'
import { Load, Place, type Pod } from './load.ts'
import { Nodes } from './nodes.ts'
import { missing } from './places.ts'
import { QUICKSTART } from './substrate.ts'

type Claims = { items: { metadata: { name: string; uid: string } }[] }

const CLUSTER = `apiVersion: sofakafka.io/v1beta1
kind: Cluster
metadata: {name: ant}
spec:
  zookeeper: {image: "${ZOOKEEPER_IMAGE}", replicas: 1, storage: {size: 1Gi}, resources: {limits: {memory: 384Mi}}}
  brokers: [{name: kafka, replicas: 3, storage: {size: 1Gi}}]
  authorization: {}
`
const SCALE_MS = 300_000

/** What a server says it is: leader, follower, observer; `silent` when it does not serve. */
const modeOf = ({ status }: Pod): Promise<string> =>
  new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host: status.podIP!, port: 2181, timeout: 3000 }, () => void socket.write('srvr'))
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.on('timeout', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(/^Mode: (\w+)$/m.exec(answer)?.[1] ?? 'silent'))
  })

const modesOf = async (servers: readonly Pod[]): Promise<string[]> => (await Promise.all(servers.map(modeOf))).sort()

const lacksAny = missing('real nodes', 'ensemble').length > 0
describe.skipIf(lacksAny || lacksNodes() || lacks('kubectl', 'helm', 'go', 'kcat', 'maven'))(
  'an ensemble of ZooKeeper on real nodes',
  () => {
    let nodes: Nodes
    let place: Place
    let load: Load

    beforeAll(async () => {
      nodes = await Nodes.start({ count: 3, images: [ZOOKEEPER_IMAGE] })
      place = new Place(nodes, 'ant')
      await place.kubectl.ok(['delete', '-f', QUICKSTART])
      expect((await place.kubectl.apply(CLUSTER)).stderr).toBe('')
      await place.becomesReady('skc/ant', SCALE_MS)
      load = await Load.start(place, 'load')
    }, 1_200_000)
    afterAll(async () => {
      load?.kill()
      await nodes?.stop()
    }, 120_000)
    const tellWhy = () => onTestFailed(async () => console.warn(await place.diagnosis()))

    const claims = async (): Promise<Map<string, string>> => {
      const { items } = await place.kubectl.json<Claims>('get', 'pvc', '-l', 'sofakafka.io/cluster=ant,sofakafka.io/group=zookeeper')
      return new Map(items.map(({ metadata }) => [metadata.name, metadata.uid]))
    }
    const isHealthy = async (count: number): Promise<void> => {
      // Those that have left the ensemble may still be ending.
      const areGone = async () => (await place.pods('zookeeper')).length === count
      await eventually(areGone, { timeoutMs: 60_000, everyMs: 500, what: `${count} pods are left` })
      expect(await modesOf(await place.pods('zookeeper'))).toEqual([...Array.from({ length: count - 1 }, () => 'follower'), 'leader'])
    }
    const leader = async (): Promise<Pod> => {
      const servers = await place.pods('zookeeper')
      const modes = await Promise.all(servers.map(modeOf))
      return servers[modes.indexOf('leader')]!
    }

    test('goes 1, 3, 1, 3, 5, 3 with the volumes of removed servers kept, and no broker restarts', async () => {
      tellWhy()
      const brokers = (await place.brokers()).map(({ metadata }) => metadata.uid)
      await isHealthy(1)
      let kept = await claims()
      for (const count of [3, 1, 3, 5, 3]) {
        await place.patch('skc/ant', { zookeeper: { replicas: count } })
        await place.becomesReady('skc/ant', SCALE_MS)
        await isHealthy(count)
        const now = await claims()
        expect([...now]).toEqual(expect.arrayContaining([...kept]))
        kept = now
        await load.goesOn()
      }
      expect(kept.size).toBe(5)
      expect((await place.brokers()).map(({ metadata }) => metadata.uid)).toEqual(brokers)
    }, 1_200_000)

    test('goes on when the node of its leader is lost, and when that comes back', async () => {
      tellWhy()
      const before = await leader()
      const node = before.spec.nodeName as NodeName
      const others = (await place.pods('zookeeper')).filter(({ spec }) => spec.nodeName !== node)
      expect(others.length, 'servers are spread over nodes').toBe(2)
      await nodes.lab.kill(node)
      await eventually(async () => (await modesOf(others)).join() === 'follower,leader', {
        timeoutMs: 60_000,
        everyMs: 500,
        what: 'one of the others leads',
      })
      await load.goesOn()
      await nodes.lab.up()
      await eventually(() => isHealthy(3).then(() => true), { timeoutMs: SCALE_MS, everyMs: 1000, what: 'three servers serve' })
      await place.becomesReady('skc/ant', SCALE_MS)
    }, 600_000)

    test('no send failed, and every record was stored and consumed once', async () => {
      tellWhy()
      await load.goesOn()
      const { complaints, records } = await load.end()
      expect(complaints).toEqual([])
      expect(records).toBeGreaterThan(1000)
    }, 120_000)
  },
)
