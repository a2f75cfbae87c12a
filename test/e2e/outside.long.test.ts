import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { lacks, lacksNodes } from '../support/needs.ts'
import { Load, Place } from './load.ts'
import { Nodes } from './nodes.ts'
import { Outside } from './outside.ts'
import { missing } from './places.ts'

type Listener = { name: string; bootstrapServers: string; brokers?: { id: number; host: string; port: number }[] }
type Services = { items: { metadata: { name: string }; spec: { type: string; ports: { nodePort?: number }[] } }[] }

const LISTENERS = [
  { name: 'internal', port: 9092 },
  { name: 'external', port: 9094, type: 'NodePort', tls: { enabled: true } },
]

const lacksAny = missing('real nodes', 'outside').length > 0
describe.skipIf(lacksAny || lacksNodes() || lacks('kubectl', 'helm', 'go', 'kcat'))('a listener on node ports', () => {
  let nodes: Nodes
  /** As the operator's tests see it, and as its clients outside do. */
  let place: Place
  let world: Place
  let outside: Outside

  const listener = async (): Promise<Listener> => {
    const { status } = await place.kubectl.json<{ status: { listeners: Listener[] } }>('get', 'skc', 'quickstart')
    return status.listeners.find(({ name }) => name === 'external')!
  }

  beforeAll(async () => {
    nodes = await Nodes.start()
    place = new Place(nodes)
    const before = await place.brokers()
    await place.patch('skc/quickstart', { listeners: LISTENERS })
    await place.areReplaced(before)
    outside = await Outside.start((await listener()).brokers![0]!.host)
    const { kubeconfig, directory } = nodes
    world = new Place({ kubeconfig, directory, spawn: (...args) => outside.spawn(...args), stop: () => Promise.resolve() })
  }, 900_000)
  afterAll(async () => {
    outside?.stop()
    await nodes?.stop()
  }, 120_000)

  test('tells clients the address of each broker\u2019s node and the node port of its Service', async () => {
    const { bootstrapServers, brokers } = await listener()
    const { items } = await place.kubectl.json<Services>('get', 'services', '-l', 'sofakafka.io/listener=external')
    const portOf = (service: string) => items.find(({ metadata }) => metadata.name === service)!.spec.ports[0]!.nodePort
    const nodeOf = new Map((await place.brokers()).map(({ metadata, status }) => [metadata.name, status.hostIP]))
    expect(brokers).toEqual(
      [0, 1, 2].map((id) => ({ id, host: nodeOf.get(`quickstart-kafka-${id}`), port: portOf(`quickstart-external-${id}`) })),
    )
    expect(bootstrapServers).toBe(`${nodeOf.get('quickstart-kafka-0')}:${portOf('quickstart-external-bootstrap')}`)
    expect(new Set(items.map(({ spec }) => spec.type))).toEqual(new Set(['NodePort']))
  })

  test('serves a client that has no way to pods, while every broker is replaced', async () => {
    onTestFailed(async () => console.warn(await place.diagnosis()))
    const before = await place.brokers()
    for (const { status } of before) {
      const { stderr } = await outside.run('bash', ['-c', `exec 3<>/dev/tcp/${status.podIP}/9094`])
      expect(stderr).toContain('unreachable')
    }
    const load = await Load.start(world, 'load', 'external')
    try {
      const told = await listener()
      await place.patch('skc/quickstart', { config: { 'queued.max.requests': 400 } })
      await place.areReplaced(before)
      await load.goesOn()
      const { complaints, records } = await load.end()
      expect(complaints).toEqual([])
      expect(records).toBeGreaterThan(500)
      expect(await listener(), 'the addresses stay').toEqual(told)
    } finally {
      load.kill()
    }
  }, 400_000)

  test('shows a certificate that names the node', async () => {
    const { ca, bootstrap } = await place.entrance('external')
    const file = join(nodes.directory, 'outside-ca.crt')
    writeFileSync(file, ca)
    const [host] = bootstrap[0]!.split(':')
    for (const { port } of (await listener()).brokers!) {
      const args = ['s_client', '-connect', `${host}:${port}`, '-CAfile', file, '-verify_ip', host!, '-verify_return_error', '-brief']
      const { code, stderr } = await outside.run('openssl', args)
      expect([code, stderr]).toEqual([0, expect.stringContaining('Verification: OK')])
    }
  })
})
