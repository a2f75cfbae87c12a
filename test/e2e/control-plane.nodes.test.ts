import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lacksKubeLab } from '../support/control-plane.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { commandLineTests } from './cli-story.ts'
import { ControlPlane } from './control-plane.ts'
import { helm, type Kubectl } from './substrate.ts'
import { clientOf, clusterSuite } from './suite.ts'

type Pods = { items: { metadata: { uid: string }; status: { conditions?: { type: string; status: string }[] } }[] }
type Cluster = { status: { listeners: { bootstrapServers: string }[]; conditions: { type: string; status: string }[] } }
const BOOTSTRAP = 'quickstart-internal-bootstrap.default.svc:9092'
const NAMES = [0, 1, 2].map((id) => `quickstart-kafka-${id}.quickstart-kafka-brokers.default.svc`)

/** Resolves when somebody takes a connection there. */
const reached = (host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port: 9092 }, () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })

const inClusterTests = (place: () => ControlPlane, kubectl: () => Kubectl): void => {
  const brokers = async () => (await kubectl().json<Pods>('get', 'pods', '-l', 'app.kubernetes.io/name=kafka')).items

  test('a Lease says which operator leads', async () => {
    const holder = await kubectl().ok([
      '-n',
      'sofakafka-system',
      'get',
      'lease',
      'sofakafka-operator',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    ])
    expect(holder).toMatch(/^sofakafka-operator-/)
  })

  test('an operator that advertises names replaces the brokers one by one, and a client that resolves like a pod reaches each by its name', async () => {
    const before = new Set((await brokers()).map(({ metadata }) => metadata.uid))
    expect(before.size).toBe(3)
    const path = '/spec/template/spec/containers/0/args'
    const patch = JSON.stringify([{ op: 'replace', path, value: ['operator', '--advertise=pod-dns'] }])
    await kubectl().ok(['-n', 'sofakafka-system', 'patch', 'deployment', 'sofakafka-operator', '--type=json', '-p', patch])
    let fewestReady = 3
    const areReplaced = async (): Promise<boolean> => {
      const now = await brokers()
      const ready = now.filter(({ status }) => status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'))
      fewestReady = Math.min(fewestReady, ready.length)
      return ready.length === 3 && now.every(({ metadata }) => !before.has(metadata.uid))
    }
    await eventually(areReplaced, { timeoutMs: 60_000 })
    expect(fewestReady).toBeGreaterThanOrEqual(2)
    await eventually(
      async () => {
        const { status } = await kubectl().json<Cluster>('get', 'skc', 'quickstart')
        const isReady = status.conditions.find(({ type }) => type === 'Ready')!.status === 'True'
        return isReady && status.listeners[0]!.bootstrapServers === BOOTSTRAP
      },
      { timeoutMs: 30_000, everyMs: 200 },
    )
    const login = await eventually(
      async () => {
        const found = await kubectl().login('tester')
        return found.bootstrap[0] === BOOTSTRAP ? found : undefined
      },
      { timeoutMs: 20_000, everyMs: 200 },
    )
    const asked = new Set<string>()
    const kafka = clientOf(login, ({ host, port, onConnect }) => {
      asked.add(host)
      return connect({ host: place().resolve(host)[0] ?? host, port }, onConnect)
    })
    const producer = kafka.producer()
    await producer.connect()
    const messages = Array.from({ length: 6 }, (_unused, partition) => ({ partition, value: 'by name' }))
    const written = await producer.send({ topic: 'orders', acks: -1, messages })
    await producer.disconnect()
    expect(written.map(({ errorCode }) => errorCode)).toEqual(messages.map(() => 0))
    // The broker that came back last may lead nothing yet.
    expect([...asked].filter((name) => !NAMES.includes(name))).toEqual([BOOTSTRAP.split(':')[0]])
    expect(asked.size).toBeGreaterThan(2)
    for (const name of NAMES) await reached(place().resolve(name)[0]!)
  }, 120_000)

  commandLineTests(place, kubectl)

  test('the charts are upgraded, and removed without the definitions and the Clusters', async () => {
    await helm(place(), ['upgrade', 'sofakafka-crds', join('charts', 'sofakafka-crds')])
    await helm(place(), ['uninstall', 'sofakafka', '-n', 'sofakafka-system', '--wait'])
    await helm(place(), ['uninstall', 'sofakafka-crds', '--wait'])
    expect((await brokers()).length).toBe(3)
    expect((await kubectl().json<Cluster>('get', 'skc', 'quickstart')).status.conditions.length).toBeGreaterThan(0)
    const left = await kubectl().ok(['get', 'deployments,clusterroles,roles,serviceaccounts', '-A', '-o', 'name'])
    expect(left.split('\n').filter((name) => name.includes('sofakafka'))).toEqual([])
  }, 60_000)
}

const isSkipped = lacksKubeLab() || lacks('kubectl', 'helm', 'kcat', 'java', 'maven')
clusterSuite('the quickstart on a real control plane', isSkipped, () => ControlPlane.start(), inClusterTests)
