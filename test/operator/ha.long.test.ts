import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters } from '../../src/api/index.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { statefulSets } from '../../src/kube/resources.ts'
import type { KubeLab } from '../support/control-plane.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { eventually, freePort } from '../support/net.ts'
import { Program } from '../support/ours.ts'
import { startEmbeddedLab } from './support/embedded-lab.ts'
import { installKinds, makeNamespace } from './support/lab.ts'
import { cluster } from './support/objects.ts'
import { seriesOf } from './support/scrape.ts'

const TAKEOVER_MS = 20_000

/** An operator as a process of its own, behind a proxy that writes down what it asks for. */
type Replica = { program: Program; proxy: FaultProxy; leads(): Promise<boolean>; writes(): string[] }

describe('two operators, as processes', () => {
  let lab: KubeLab
  let kube: KubeClient
  let namespace: string
  const replicas: Replica[] = []

  const start = async (): Promise<Replica> => {
    const proxy = new FaultProxy(lab.connection)
    const { server } = await proxy.start()
    const kubeconfig = join(lab.kubeconfig, '..', `through-${replicas.length}`)
    writeFileSync(kubeconfig, readFileSync(lab.kubeconfig, 'utf8').replaceAll(lab.connection.server, server))
    const port = await freePort()
    const program = new Program(['operator', '--image', 'sofakafka:test', '--kubeconfig', kubeconfig, '--http-port', String(port)])
    const replica: Replica = {
      program,
      proxy,
      leads: async () => {
        const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
        return seriesOf(text).some(({ name, value }) => name === 'sofakafka_operator_leader' && value === 1)
      },
      writes: () => proxy.requests.filter((request) => !request.startsWith('GET') && !request.includes('/leases')),
    }
    replicas.push(replica)
    return replica
  }
  const isActedOn = (name: string) =>
    eventually(async () => kube.get(statefulSets, { namespace, name: `${name}-kafka` }), { timeoutMs: 2 * TAKEOVER_MS, everyMs: 100 })

  beforeAll(async () => {
    lab = await startEmbeddedLab()
    kube = lab.client({ fieldManager: 'test' })
    await installKinds(kube)
    namespace = await makeNamespace(kube)
  })
  afterAll(async () => {
    for (const { program, proxy } of replicas) {
      await program.kill()
      await proxy.stop()
    }
    await lab?.stop()
  })

  test('when the leader is killed the other one acts within 20 s', async () => {
    const first = await start()
    await eventually(first.leads, { timeoutMs: 20_000 })
    const second = await start()
    await kube.create(clusters, cluster('before', namespace))
    await isActedOn('before')
    expect(second.writes()).toEqual([])
    await first.program.kill()
    const killedMs = performance.now()
    await kube.create(clusters, cluster('after', namespace))
    await isActedOn('after')
    expect(performance.now() - killedMs).toBeLessThan(TAKEOVER_MS)
    expect(await second.leads()).toBe(true)
  })

  test('a leader that slept while another took over writes nothing when it wakes, and ends', async () => {
    const asleep = replicas.at(-1)!
    const successor = await start()
    await successor.program.logged('"leader"', 1000).catch(() => {})
    asleep.program.signal('SIGSTOP')
    await kube.create(clusters, cluster('meanwhile', namespace))
    await isActedOn('meanwhile')
    const before = asleep.writes().length
    await kube.create(clusters, cluster('awake', namespace))
    asleep.program.signal('SIGCONT')
    await isActedOn('awake')
    expect(await asleep.program.exited).toBe(1)
    expect(asleep.writes().slice(before)).toEqual([])
    const created = successor.writes().filter((request) => request.includes('statefulsets/awake-kafka'))
    expect(created).toHaveLength(1)
  })
})
