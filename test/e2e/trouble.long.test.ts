import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { lacks, lacksNodes } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { NODES, type NodeName } from '../support/node-lab.ts'
import { Load, type Pod, Place } from './load.ts'
import { IMAGE, Nodes, OTHER_IMAGE } from './nodes.ts'
import { missing } from './places.ts'

type Node = { status: { conditions: { type: string; status: string }[] } }
type Claims = { items: { metadata: { name: string; uid: string }; status: { capacity: { storage: string } } }[] }

const OPERATOR = 'sofakafka-system'
/** Longer than a kubelet may be silent (50 s), and than the removal of its pods. */
const LOST_MS = 240_000
/** Longer than Kubernetes leaves pods on a node that it has lost (5 minutes). */
const GIVEN_UP_MS = 480_000

const lacksAny = missing('real nodes', 'trouble').length > 0
describe.skipIf(lacksAny || lacksNodes() || lacks('kubectl', 'helm', 'go', 'kcat'))('on three real nodes', () => {
  let nodes: Nodes
  let place: Place
  let load: Load

  beforeAll(async () => {
    nodes = await Nodes.start({ count: 3, images: [OTHER_IMAGE] })
    place = new Place(nodes)
  }, 900_000)
  afterAll(async () => {
    await nodes?.stop()
  }, 120_000)
  /** Each change has an account of its own. */
  beforeEach(async ({ task }) => {
    onTestFailed(async () => console.warn(await place.diagnosis()))
    await place.becomesReady('skc/quickstart')
    load = await Load.start(
      place,
      `load-${task.name
        .replaceAll(/[^a-z]+/gi, '-')
        .toLowerCase()
        .slice(0, 40)}end`,
    )
    return () => load.kill()
  }, 180_000)

  const settle = async (): Promise<void> => {
    await load.goesOn()
    const { complaints, records } = await load.end()
    expect(complaints).toEqual([])
    expect(records).toBeGreaterThan(500)
  }

  /** Who leads now: the pod, and the process in it. */
  const leader = async (): Promise<{ pod: string; process: string }> => {
    const { spec } = await place.kubectl.json<{ spec: { holderIdentity: string } }>('-n', OPERATOR, 'get', 'lease', 'sofakafka-operator')
    return { pod: spec.holderIdentity.split('_')[0]!, process: spec.holderIdentity }
  }
  const isReady = async (node: NodeName): Promise<boolean> => {
    const { status } = await place.kubectl.json<Node>('get', 'node', node)
    return status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  }
  /** One that is not where ZooKeeper is, whose only server stops elections when it is gone. */
  const expendable = async (): Promise<{ broker: Pod; node: NodeName }> => {
    const zooKeeper = await place.kubectl.json<Pod>('get', 'pod', 'quickstart-zookeeper-0')
    const broker = (await place.brokers()).find(({ spec }) => spec.nodeName !== zooKeeper.spec.nodeName)!
    return { broker, node: broker.spec.nodeName as NodeName }
  }
  const uids = async (): Promise<string[]> => (await place.brokers()).map(({ metadata }) => metadata.uid)

  test('a node is lost, and its broker comes back with it as the same pod', async () => {
    const { node } = await expendable()
    const before = await uids()
    await nodes.lab.kill(node)
    await load.goesOn()
    await eventually(async () => !(await isReady(node)), { timeoutMs: LOST_MS, everyMs: 1000, what: `${node} is lost` })
    await load.goesOn()
    expect(await uids()).toEqual(before)
    await nodes.lab.up()
    await place.becomesReady('skc/quickstart', LOST_MS)
    await settle()
    expect(await uids()).toEqual(before)
  }, 900_000)

  test('a node is away for so long that Kubernetes gives its pods up, and another pod of that name starts when it is back', async () => {
    const { broker, node } = await expendable()
    const named = async () => (await place.brokers()).find(({ metadata }) => metadata.name === broker.metadata.name)
    await nodes.lab.kill(node)
    const isGivenUp = async (): Promise<boolean> => (await named())?.metadata.deletionTimestamp !== undefined
    await eventually(isGivenUp, { timeoutMs: GIVEN_UP_MS, everyMs: 2000, what: `${broker.metadata.name} is given up` })
    await load.goesOn()
    expect((await named())?.metadata.uid, 'no second pod of that name while the first may still run').toBe(broker.metadata.uid)
    await nodes.lab.up()
    const isAnother = async (): Promise<boolean> => ![undefined, broker.metadata.uid].includes((await named())?.metadata.uid)
    await eventually(isAnother, { timeoutMs: LOST_MS, everyMs: 1000, what: `${broker.metadata.name} is another pod` })
    await place.becomesReady('skc/quickstart', LOST_MS)
    await settle()
  }, 1_200_000)

  test('a node that never comes back is deleted, and its broker starts elsewhere with its volume', async () => {
    const { broker, node } = await expendable()
    await nodes.lab.kill(node)
    await load.goesOn()
    await place.kubectl.ok(['delete', 'node', node])
    const isElsewhere = async (): Promise<boolean> => {
      const now = (await place.brokers()).find(({ metadata }) => metadata.name === broker.metadata.name)
      return now !== undefined && now.metadata.uid !== broker.metadata.uid && now.spec.nodeName !== undefined && now.spec.nodeName !== node
    }
    await eventually(isElsewhere, { timeoutMs: LOST_MS, everyMs: 1000, what: `${broker.metadata.name} is elsewhere` })
    await place.becomesReady('skc/quickstart', LOST_MS)
    await settle()
    await nodes.lab.up()
  }, 900_000)

  test('another image rolls through the brokers, and back, while the leading operator is killed each time', async () => {
    const images = async () => new Set((await place.brokers()).map(({ spec }) => spec.containers[0]!.image))
    for (const image of [OTHER_IMAGE, IMAGE]) {
      const before = await place.brokers()
      const { pod, process } = await leader()
      await place.patch('skc/quickstart', { image })
      await eventually(async () => (await images()).has(image), { timeoutMs: 120_000, everyMs: 200, what: 'the first pod is another' })
      await nodes.lab.killContainer(pod, OPERATOR)
      await place.areReplaced(before, 300_000)
      expect(await images()).toEqual(new Set([image]))
      expect((await leader()).process, 'another process went on').not.toBe(process)
    }
    await settle()
  }, 900_000)

  test('volumes grow, and no pod is another', async () => {
    const before = await uids()
    const claims = async (): Promise<Claims['items']> => {
      const { items } = await place.kubectl.json<Claims>('get', 'pvc', '-l', 'sofakafka.io/group=kafka')
      return items
    }
    const set = () => place.kubectl.ok(['get', 'statefulset', 'quickstart-kafka', '-o', 'jsonpath={.metadata.uid}'])
    const [volumes, setBefore] = [await claims(), await set()]
    expect(volumes.map(({ status }) => status.capacity.storage)).toEqual(['10Gi', '10Gi', '10Gi'])
    await place.patch('skc/quickstart', { brokers: [{ name: 'kafka', replicas: 3, storage: { size: '12Gi' } }] })
    await place.becomesReady('skc/quickstart')
    const grown = await claims()
    expect(grown.map(({ status }) => status.capacity.storage)).toEqual(['12Gi', '12Gi', '12Gi'])
    expect(grown.map(({ metadata }) => metadata.uid)).toEqual(volumes.map(({ metadata }) => metadata.uid))
    expect(await set(), 'the StatefulSet was made again').not.toBe(setBefore)
    expect(await uids()).toEqual(before)
    await settle()
  }, 300_000)

  test('each node is drained and given back', async () => {
    for (const node of NODES) {
      const args = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=240s']
      const { code, stdout, stderr } = await place.kubectl.run(args, '', 270_000)
      expect([code, code === 0 ? '' : stdout + stderr]).toEqual([0, ''])
      const left = (await place.brokers()).filter(({ spec }) => spec.nodeName === node)
      expect(left).toEqual([])
      await place.becomesReady('skc/quickstart')
      await place.kubectl.ok(['uncordon', node])
    }
    await settle()
  }, 900_000)
})
