import { mkdtempSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  claims,
  configMaps,
  deployments,
  isReady,
  namespaces,
  persistentVolumes,
  pods,
  services,
  statefulSets,
  type Pod,
} from '../../src/local/objects.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { pidsOf, startMachine, type Machine } from './support/machine.ts'
import { configMap, headless, NAMESPACE, service, statefulSet } from './support/objects.ts'
import { slowness } from '../support/slowness.ts'

const run = promisify(execFile)
const key = (name: string) => ({ namespace: NAMESPACE, name })

const fetchText = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host, port, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve(text))
    }).on('error', reject)
  })

let dataDir: string
let machine: Machine
const podsNow = async (): Promise<Pod[]> => (await machine.kube.list(pods, { namespace: NAMESPACE })).items
const readyPods = (count: number) =>
  eventually(
    async () => {
      const all = await podsNow()
      return all.length === count && all.every(isReady) ? all : undefined
    },
    { what: `${count} ready pods` },
  )
const logOf = async (pod: string): Promise<string> => {
  const { stdout } = await run('kubectl', ['--kubeconfig', machine.api.kubeconfigPath, 'logs', pod, '--tail=-1'])
  return stdout
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'sofakafka-machine-'))
  machine = await startMachine(dataDir)
})
afterAll(async () => {
  await machine.stop()
  machine.remove()
})

describe.sequential('a StatefulSet on the local machine', () => {
  test('its pods become processes with an address, a volume and files of their own', async () => {
    await machine.kube.create(services, headless)
    await machine.kube.create(services, service)
    await machine.kube.create(configMaps, configMap)
    await machine.kube.create(
      statefulSets,
      statefulSet(
        {
          volumeClaimTemplates: [
            { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
          ],
        },
        {
          args: ['broker', '/etc/conf/server.properties', '--listen', '8080', '--connect', 'web-0.web:8080'],
          volumeMounts: [
            { name: 'conf', mountPath: '/etc/conf' },
            { name: 'data', mountPath: '/data' },
          ],
        },
        { volumes: [{ name: 'conf', configMap: { name: 'conf' } }] },
      ),
    )
    const all = await readyPods(2)
    const [first, second] = all.map(({ status }) => status!.podIP!)
    expect(first).not.toBe(second)
    expect(await fetchText(first!, 8080)).toContain('web-0')
    expect(await fetchText(second!, 8080)).toContain('web-1')
    const volumes = (await machine.kube.list(persistentVolumes)).items
    expect(volumes).toHaveLength(2)
    expect(all[1]!.metadata.labels).toMatchObject({ 'apps.kubernetes.io/pod-index': '1', 'statefulset.kubernetes.io/pod-name': 'web-1' })
  })

  test.skipIf(lacks('kubectl'))(
    'a pod finds another by its name, its files name its own directories, and kubectl logs shows it',
    async () => {
      const text = await eventually(async () => {
        const log = await logOf('web-1')
        return log.includes('heard web-0') ? log : undefined
      })
      const { files } = JSON.parse(text.split('\n')[0]!) as { files: [string, string][] }
      expect(files[0]![1]).toBe(`log.dirs=${join(dataDir, 'volumes')}/${/default_data-web-1_\w+/.exec(files[0]![1])![0]}/logs\n`)
    },
  )

  test('a service leads to its ready pods in turn', async () => {
    const { clusterIP } = (await machine.kube.get(services, key('entrance')))!.spec
    const answers = new Set<string>()
    await eventually(async () => {
      answers.add((await fetchText(clusterIP!, 8000)).split(' ')[0]!)
      return answers.size === 2
    })
    expect([...answers].sort()).toEqual(['web-0', 'web-1'])
  })

  test('a process that is killed comes back at once with the same name, address and volume', async () => {
    const before = (await podsNow()).find(({ metadata }) => metadata.name === 'web-0')!
    process.kill(Number((await fetchText(before.status!.podIP!, 8080)).split(' ')[1]), 'SIGKILL')
    const after = await eventually(async () => {
      const pod = await machine.kube.get(pods, key('web-0'))
      return pod?.status?.containerStatuses?.[0]?.restartCount === 1 && isReady(pod) ? pod : undefined
    })
    expect(after.metadata.uid).toBe(before.metadata.uid)
    expect(after.status!.podIP).toBe(before.status!.podIP)
    expect(after.status!.containerStatuses![0]!.lastState.terminated).toMatchObject({ exitCode: 137, signal: 9 })
  })

  test('a deleted pod is replaced under its name with its address and volume', async () => {
    const before = (await machine.kube.get(pods, key('web-1')))!
    await machine.kube.delete(pods, key('web-1'))
    const after = await eventually(async () => {
      const pod = await machine.kube.get(pods, key('web-1'))
      return pod && pod.metadata.uid !== before.metadata.uid && isReady(pod) ? pod : undefined
    })
    expect(after.status!.podIP).toBe(before.status!.podIP)
    expect((await machine.kube.list(claims, { namespace: NAMESPACE })).items).toHaveLength(2)
  })

  test('with OnDelete a new template waits until someone deletes the pod', async () => {
    await machine.kube.patch(statefulSets, key('web'), 'merge', { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } })
    await machine.kube.patch(statefulSets, key('web'), 'merge', { spec: { template: { metadata: { annotations: { generation: '2' } } } } })
    const { status } = await eventually(async () => {
      const set = await machine.kube.get(statefulSets, key('web'))
      return set?.status?.updateRevision !== set?.status?.currentRevision ? set : undefined
    })
    expect(status).toMatchObject({ readyReplicas: 2, updatedReplicas: 0 })
    await machine.kube.delete(pods, key('web-1'))
    const pod = await eventually(async () => {
      const now = await machine.kube.get(pods, key('web-1'))
      return now && now.metadata.labels?.['controller-revision-hash'] === status!.updateRevision && isReady(now) ? now : undefined
    })
    expect(pod.metadata.annotations).toMatchObject({ generation: '2' })
    expect((await machine.kube.get(pods, key('web-0')))!.metadata.annotations?.['generation']).toBeUndefined()
  })

  test('scaled down its pods go and their claims stay', async () => {
    await machine.kube.patch(statefulSets, key('web'), 'merge', { spec: { replicas: 1 } })
    await eventually(async () => (await podsNow()).length === 1)
    expect((await machine.kube.list(claims, { namespace: NAMESPACE })).items).toHaveLength(2)
  })

  test('the machine stops in order and fast, and goes on where it was', async () => {
    const before = (await machine.kube.get(pods, key('web-0')))!
    const pids = pidsOf(dataDir)
    expect(pids).toHaveLength(1)
    const startMs = performance.now()
    await machine.stop()
    const tookMs = performance.now() - startMs
    expect(tookMs).toBeLessThan(2_000 * slowness())
    expect(() => process.kill(pids[0]!, 0)).toThrow('ESRCH')
    machine = await startMachine(dataDir)
    const after = await eventually(async () => {
      const pod = await machine.kube.get(pods, key('web-0'))
      return pod && isReady(pod) && pod.status?.containerStatuses?.[0]?.restartCount === 2 ? pod : undefined
    })
    expect(after.metadata.uid).toBe(before.metadata.uid)
    expect(after.status!.podIP).toBe(before.status!.podIP)
  })

  test('deleted, it takes its pods along; its claims stay, and go with their volumes when they are deleted', async () => {
    await machine.kube.delete(statefulSets, key('web'), { propagation: 'Foreground' })
    await eventually(async () => (await podsNow()).length === 0 && !(await machine.kube.get(statefulSets, key('web'))))
    const left = (await machine.kube.list(claims, { namespace: NAMESPACE })).items
    expect(left).toHaveLength(2)
    for (const { metadata } of left) await machine.kube.delete(claims, key(metadata.name))
    await eventually(async () => (await machine.kube.list(persistentVolumes)).items.length === 0)
  })
})

describe.sequential('other objects', () => {
  test('an image of others waits with its reason, and its pod can be deleted', async () => {
    await machine.kube.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'other', namespace: NAMESPACE },
      spec: { containers: [{ name: 'a', image: 'nginx' }] },
    })
    await eventually(
      async () =>
        (await machine.kube.get(pods, key('other')))?.status?.containerStatuses?.[0]?.state.waiting?.reason === 'ErrImageNeverPull',
    )
    await machine.kube.delete(pods, key('other'))
    await eventually(async () => !(await machine.kube.get(pods, key('other'))))
  })

  test.skipIf(lacks('kubectl'))('a Deployment rolls out, and kubectl waits for it', async () => {
    const { template, selector } = statefulSet().spec
    await machine.kube.create(deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: NAMESPACE },
      spec: { replicas: 2, selector, template },
    })
    const kubectl = (...args: string[]) => run('kubectl', ['--kubeconfig', machine.api.kubeconfigPath, ...args])
    expect((await kubectl('rollout', 'status', 'deployment/d', '--timeout=15s')).stdout).toContain('successfully rolled out')
    const old = (await podsNow()).map(({ metadata }) => metadata.name)
    await kubectl('patch', 'deployment', 'd', '-p', '{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}')
    expect((await kubectl('rollout', 'status', 'deployment/d', '--timeout=20s')).stdout).toContain('successfully rolled out')
    const now = await eventually(async () => {
      const all = await podsNow()
      return all.length === 2 ? all : undefined
    })
    expect(now.filter(({ metadata }) => old.includes(metadata.name))).toEqual([])
    await machine.kube.delete(deployments, key('d'), { propagation: 'Background' })
    await eventually(async () => (await podsNow()).length === 0)
  })

  test('a namespace goes with everything in it', async () => {
    await machine.kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } })
    const inTeam = { namespace: 'team', name: 'conf' }
    await machine.kube.create(configMaps, { ...configMap, metadata: inTeam })
    await eventually(() => machine.kube.get(configMaps, { namespace: 'team', name: 'kube-root-ca.crt' }))
    await machine.kube.delete(namespaces, { namespace: '', name: 'team' })
    await eventually(async () => !(await machine.kube.get(namespaces, { namespace: '', name: 'team' })))
    expect(await machine.kube.get(configMaps, inTeam)).toBeUndefined()
  })
})
