import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeClient } from '../../src/kube/client.ts'
import type { Kubelet } from '../../src/local/kubelet/kubelet.ts'
import { configMaps, isReady, nodes, pods, statefulSets, type Pod } from '../../src/local/objects.ts'
import { KUBE_LAB_PORTS, lacksKubeLab, startKubeLab, type KubeLab } from '../support/control-plane.ts'
import { eventually, freePorts } from '../support/net.ts'
import { pidsOf, startKubelet } from './support/machine.ts'
import { configMap, NAMESPACE, statefulSet } from './support/objects.ts'

const run = promisify(execFile)
const ask = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host, port, agent: false }, (response) => response.on('data', (chunk: Buffer) => resolve(chunk.toString()))).on('error', reject)
  })

describe.skipIf(lacksKubeLab())('the kubelet on a real control plane', () => {
  let lab: KubeLab
  let kube: KubeClient
  let kubelet: Kubelet
  let dataDir: string
  let port: number

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'sofakafka-joins-'))
    port = await freePorts(KUBE_LAB_PORTS)
    lab = await startKubeLab(port)
    kube = lab.client()
    kubelet = await startKubelet({ kube, dataDir, port })
  })
  afterAll(async () => {
    await kubelet?.stop(2_000)
    await lab?.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const readyPods = (count: number): Promise<Pod[]> =>
    eventually(
      async () => {
        const { items } = await kube.list(pods, { namespace: NAMESPACE })
        return items.length === count && items.every(isReady) ? items : undefined
      },
      { timeoutMs: 30_000 },
    )

  test('is a node that the scheduler uses', async () => {
    const node = await kube.get(nodes, { namespace: '', name: 'local' })
    expect(node!.status!.conditions!.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True' })
  })

  test("runs the cluster's own StatefulSet: schedules, mounts its files and account, becomes ready, logs", async () => {
    await kube.create(configMaps, configMap)
    const volumes = [{ name: 'conf', configMap: { name: 'conf' } }]
    const container = {
      args: ['broker', '/etc/conf/server.properties', '--listen', '8080'],
      volumeMounts: [{ name: 'conf', mountPath: '/etc/conf' }],
    }
    await kube.create(statefulSets, statefulSet({}, container, { volumes }))
    const all = await readyPods(2)
    for (const { metadata, status } of all) expect(await ask(status!.podIP!, 8080)).toContain(metadata.name)
    const { stdout } = await run('kubectl', ['--kubeconfig', lab.kubeconfig, 'logs', all[0]!.metadata.name])
    const { env } = JSON.parse(stdout.split('\n')[0]!) as { env: Record<string, string> }
    expect(env['SOFAKAFKA_SERVICE_ACCOUNT_DIR']).toContain(all[0]!.metadata.uid)
  })

  test('a deleted pod is stopped, removed and replaced', async () => {
    const before = (await readyPods(2))[0]!
    await kube.delete(pods, { namespace: NAMESPACE, name: before.metadata.name })
    await eventually(async () => (await readyPods(2)).every(({ metadata }) => metadata.uid !== before.metadata.uid), { timeoutMs: 30_000 })
    expect(pidsOf(dataDir)).toHaveLength(2)
  })

  test('everything goes when the StatefulSet goes', async () => {
    await kube.delete(statefulSets, { namespace: NAMESPACE, name: 'web' }, { propagation: 'Background' })
    await eventually(async () => (await kube.list(pods, { namespace: NAMESPACE })).items.length === 0, { timeoutMs: 30_000 })
    await eventually(() => pidsOf(dataDir).length === 0)
  })
})
