import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { lacks, lacksNodes } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { type NodeName, ZOOKEEPER_IMAGE } from '../support/node-lab.ts'
import { Load, Place, type Pod } from './load.ts'
import { Nodes } from './nodes.ts'
import { missing } from './places.ts'
import { QUICKSTART } from './substrate.ts'

type Claims = { items: { metadata: { name: string; uid: string } }[] }

const clusterYaml = (name: string, more: string): string => `apiVersion: sofakafka.io/v1beta1
kind: Cluster
metadata: {name: ${name}}
spec:
  zookeeper: {image: "${ZOOKEEPER_IMAGE}", replicas: 1, storage: {size: 1Gi}, resources: {limits: {memory: 384Mi}}${more}}
  brokers: [{name: kafka, replicas: 3, storage: {size: 1Gi}}]
  authorization: {}
`
const SCALE_MS = 300_000
/** Asks a server what it is: with TLS it answers so inside its pod only. */
const ASK = 'exec 3<>/dev/tcp/127.0.0.1/2181 && printf srvr >&3 && cat <&3'

const STORIES = [
  { cluster: 'ant', title: 'an ensemble of ZooKeeper on real nodes', more: '', counts: [3, 1, 3, 5, 3] },
  { cluster: 'bee', title: 'one that talks by TLS', more: ', tls: {enabled: true}', counts: [3, 1, 3] },
]

const lacksAny = missing('real nodes', 'ensemble').length > 0
describe.skipIf(lacksAny || lacksNodes() || lacks('kubectl', 'helm', 'go', 'kcat', 'maven'))('under load', () => {
  let nodes: Nodes
  beforeAll(async () => {
    nodes = await Nodes.start({ count: 3, images: [ZOOKEEPER_IMAGE] })
    await new Place(nodes).kubectl.ok(['delete', '-f', QUICKSTART])
  }, 1_200_000)
  afterAll(() => nodes?.stop(), 120_000)

  describe.each(STORIES)('$title', ({ cluster, more, counts }) => {
    let place: Place
    let load: Load

    beforeAll(async () => {
      place = new Place(nodes, cluster)
      expect((await place.kubectl.apply(clusterYaml(cluster, more))).stderr).toBe('')
      await place.becomesReady(`skc/${cluster}`, SCALE_MS)
      load = await Load.start(place, `load-${cluster}`)
    }, 600_000)
    afterAll(async () => {
      load?.kill()
      await place.kubectl.ok(['delete', 'skc,skt,sku,ska', '--all'])
    }, 120_000)
    const tellWhy = () => onTestFailed(async () => console.warn(await place.diagnosis()))

    const claims = async (): Promise<Map<string, string>> => {
      const selector = `sofakafka.io/cluster=${cluster},sofakafka.io/group=zookeeper`
      const { items } = await place.kubectl.json<Claims>('get', 'pvc', '-l', selector)
      return new Map(items.map(({ metadata }) => [metadata.name, metadata.uid]))
    }
    /** leader, follower, observer; `silent`: it does not serve. */
    const modeOf = async ({ metadata }: Pod): Promise<string> => {
      const { stdout } = await place.kubectl.run(['exec', metadata.name, '--', 'bash', '-c', ASK], '', 10_000)
      return /^Mode: (\w+)$/m.exec(stdout)?.[1] ?? 'silent'
    }
    const modesOf = async (servers: readonly Pod[]): Promise<string[]> => (await Promise.all(servers.map(modeOf))).sort()
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

    test(`goes from 1 server to ${counts.join(', ')} with the volumes of removed ones kept, and no broker restarts`, async () => {
      tellWhy()
      const brokers = (await place.brokers()).map(({ metadata }) => metadata.uid)
      await isHealthy(1)
      let kept = await claims()
      for (const count of counts) {
        await place.patch(`skc/${cluster}`, { zookeeper: { replicas: count } })
        await place.becomesReady(`skc/${cluster}`, SCALE_MS)
        await isHealthy(count)
        const now = await claims()
        expect([...now]).toEqual(expect.arrayContaining([...kept]))
        kept = now
        await load.goesOn()
      }
      expect(kept.size).toBe(Math.max(...counts))
      expect((await place.brokers()).map(({ metadata }) => metadata.uid)).toEqual(brokers)
    }, 1_200_000)

    test('goes on when the node of its leader is lost, and when that comes back', async () => {
      tellWhy()
      const node = (await leader()).spec.nodeName as NodeName
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
      await place.becomesReady(`skc/${cluster}`, SCALE_MS)
    }, 600_000)

    test('no send failed, and every record was stored and consumed once', async () => {
      tellWhy()
      await load.goesOn()
      const { complaints, records } = await load.end()
      expect(complaints).toEqual([])
      expect(records).toBeGreaterThan(1000)
    }, 120_000)
  })
})
