import { beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { Launcher } from '../../../src/local/kubelet/launcher.ts'
import { Network } from '../../../src/local/kubelet/network.ts'
import { PodSources } from '../../../src/local/kubelet/pod-sources.ts'
import { PodWorker } from '../../../src/local/kubelet/pod-worker.ts'
import { configMaps, pods, type Container, type Pod, type PodSpec } from '../../../src/local/objects.ts'
import { ManualClock, settle, wallOf } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { FakeProber, FakeProcesses, MemoryKube } from '../support/fakes.ts'

let kube: MemoryKube
let clock: ManualClock
let processes: FakeProcesses
let prober: FakeProber
let disk: MemoryDisk
beforeEach(() => {
  kube = new MemoryKube()
  clock = new ManualClock()
  processes = new FakeProcesses()
  prober = new FakeProber()
  disk = new MemoryDisk()
})

const TOKEN = { status: { token: 't', expirationTimestamp: '2100-01-01T00:00:00Z' } }

const run = async (
  container: Partial<Container>,
  spec: Partial<PodSpec> = {},
  shareAddress = false,
  before?: Pod['status'],
): Promise<PodWorker> => {
  kube.onRaw = () => TOKEN
  await kube.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kube-root-ca.crt', namespace: 'ns' },
    data: { 'ca.crt': 'CA' },
  })
  const pod = await kube.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p-0', namespace: 'ns' },
    spec: { containers: [{ name: 'kafka', image: 'sofakafka', args: ['broker'], ...container }], nodeName: 'local', ...spec },
    ...(before ? { status: before } : {}),
  })
  const network = await Network.open({
    disk,
    directory: '/data',
    seed: 'x',
    shareAddress,
    canListen: (_host, port) => Promise.resolve(port === 9092 ? 'busy' : 'free'),
  })
  const places = {
    main: '/main.js',
    preload: 'file:///preload.js',
    environment: { PATH: '/bin' },
    apiServer: { host: '127.0.0.1', port: 6443 },
    names: '/data/names.json',
  }
  const launcher = new Launcher({
    disk,
    network,
    places,
    sources: new PodSources({ kube, clock: wallOf(clock) }),
    capacity: { cpu: 2, memory: 1e9 },
  })
  const worker = new PodWorker({
    pod,
    kube,
    podDirectory: '/data/pods/1',
    address: network.podAddress('ns/p-0'),
    nodeIP: network.nodeIP,
    launcher,
    processes,
    prober,
    disk,
    monotonic: clock,
    wall: wallOf(clock),
    logger: silentLogger,
  })
  worker.start()
  await settle(10)
  return worker
}
const livePod = (): Pod => kube.all(pods)[0]!
const status = () => livePod().status!
const container = () => status().containerStatuses![0]!
const isReady = () => status().conditions!.find(({ type }) => type === 'Ready')!.status
const advance = async (ms: number) => {
  await clock.advance(ms)
  await settle(10)
}

test('a pod becomes a process with its address, account and arguments', async () => {
  await run({
    args: ['broker', '--override', 'advertised.listeners=INTERNAL://$(IP):9092'],
    env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
  })
  const { args, env } = processes.last().spec
  const ip = status().podIP!
  expect(args.slice(-3)).toEqual(['broker', '--override', `advertised.listeners=INTERNAL://${ip}:9092`])
  expect(args[args.indexOf('--import') + 1]).toContain(`address=${ip}`)
  expect(env).toMatchObject({
    PATH: '/bin',
    IP: ip,
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: '6443',
    HOSTNAME: 'p-0',
  })
  expect(disk.readFile(`${env['SOFAKAFKA_SERVICE_ACCOUNT_DIR']}/token`).toString()).toBe('t')
  expect(status()).toMatchObject({ phase: 'Running', qosClass: 'BestEffort' })
  expect(isReady()).toBe('True')
})

test('on a shared address the advertised port is the one that clients can reach', async () => {
  await run(
    {
      args: ['broker', 'listeners=PLAINTEXT://$(IP):9092,OTHER://$(IP):9999'],
      env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
      ports: [{ containerPort: 9092 }],
    },
    {},
    true,
  )
  const { args } = processes.last().spec
  expect(args.at(-1)).toBe('listeners=PLAINTEXT://127.0.0.1:9093,OTHER://127.0.0.1:9999')
  expect(args[args.indexOf('--import') + 1]).toContain('ports=9092-9093')
})

describe('restarts', () => {
  test('the first comes at once, the next after 10 s, 20 s, ...; the pod says CrashLoopBackOff meanwhile', async () => {
    await run({})
    processes.last().exit({ code: 1 })
    await settle(10)
    expect(processes.started).toHaveLength(2)
    expect(container()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 1, reason: 'Error' } } })
    processes.last().exit({ code: 137, signal: 9 })
    await settle(10)
    expect(container().state.waiting).toMatchObject({
      reason: 'CrashLoopBackOff',
      message: 'back-off 10s restarting failed container=kafka pod=p-0_ns',
    })
    await advance(9_999)
    expect(processes.started).toHaveLength(2)
    await advance(1)
    expect(processes.started).toHaveLength(3)
    processes.last().exit({ code: 1 })
    await settle(10)
    await advance(19_999)
    expect(processes.started).toHaveLength(3)
    await advance(1)
    expect(processes.started).toHaveLength(4)
  })

  test('ten minutes of running forget the crashes', async () => {
    await run({})
    processes.last().exit({ code: 1 })
    await settle(10)
    await advance(600_000)
    processes.last().exit({ code: 1 })
    await settle(10)
    expect(processes.started).toHaveLength(3)
  })

  test.each([
    ['Never', 1, 'Failed'],
    ['Never', 0, 'Succeeded'],
    ['OnFailure', 0, 'Succeeded'],
  ] as const)('%s and exit %d: the pod has %s and stays so', async (restartPolicy, code, phase) => {
    await run({}, { restartPolicy })
    processes.last().exit({ code })
    await settle(10)
    await advance(400_000)
    expect(processes.started).toHaveLength(1)
    expect(status().phase).toBe(phase)
  })
})

describe('probes', () => {
  test('a pod is ready when its readiness probe says so, and not any more when it fails', async () => {
    prober.answer = { ok: false, message: 'not yet' }
    await run({ readinessProbe: { httpGet: { path: '/readyz', port: 9404 }, periodSeconds: 10 } })
    expect(isReady()).toBe('False')
    prober.answer = { ok: true, message: '' }
    await advance(100)
    expect(isReady()).toBe('True')
    prober.answer = { ok: false, message: 'gone' }
    await advance(30_000)
    expect(isReady()).toBe('False')
    expect(processes.started).toHaveLength(1)
  })

  test('a liveness probe that fails restarts the container, after its grace by force', async () => {
    processes.onTerm = 'ignore'
    await run({ livenessProbe: { tcpSocket: { port: 9092 }, periodSeconds: 1, failureThreshold: 1 } }, { terminationGracePeriodSeconds: 5 })
    prober.answer = { ok: false, message: 'dead' }
    await advance(1_000)
    expect(processes.last().signals).toEqual(['SIGTERM'])
    await advance(5_000)
    expect(processes.started[0]!.signals).toEqual(['SIGTERM', 'SIGKILL'])
    expect(processes.started).toHaveLength(2)
  })

  test('nothing but the startup probe asks before it has passed', async () => {
    prober.answer = { ok: false, message: '' }
    await run({
      startupProbe: { tcpSocket: { port: 1 }, periodSeconds: 1, failureThreshold: 100 },
      livenessProbe: { tcpSocket: { port: 2 }, periodSeconds: 1, failureThreshold: 1 },
    })
    await advance(5_000)
    expect(prober.asked.every((place) => place.endsWith(':1'))).toBe(true)
    expect(container().started).toBe(false)
    prober.answer = { ok: true, message: '' }
    await advance(1_000)
    expect(container()).toMatchObject({ started: true, ready: true })
    expect(prober.asked.some((place) => place.endsWith(':2'))).toBe(true)
  })
})

describe('the end', () => {
  test('a deleted pod gets SIGTERM, its grace, SIGKILL, and is removed from the API by its uid', async () => {
    processes.onTerm = 'ignore'
    const worker = await run({})
    worker.update({ ...livePod(), metadata: { ...livePod().metadata, deletionTimestamp: 'now', deletionGracePeriodSeconds: 7 } })
    await advance(6_999)
    expect(processes.running).toHaveLength(1)
    await advance(1)
    expect(processes.running).toHaveLength(0)
    expect(kube.deleted).toEqual([{ kind: 'Pod', name: 'p-0', options: { gracePeriodSeconds: 0, preconditions: { uid: worker.uid } } }])
    await advance(400_000)
    expect(processes.started).toHaveLength(1)
  })

  test('a stopping machine ends the process and leaves the pod as it was', async () => {
    const worker = await run({})
    await worker.shutDown(1_000)
    expect(processes.running).toHaveLength(0)
    expect(status().phase).toBe('Running')
    expect(kube.deleted).toEqual([])
  })

  test('a pod that was running under an earlier kubelet counts a restart', async () => {
    await run({})
    const { status: before } = livePod()
    processes = new FakeProcesses()
    kube = new MemoryKube()
    await run({}, {}, false, before)
    expect(processes.running).toHaveLength(1)
    expect(container()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 255, reason: 'Unknown' } } })
  })
})

test('an image of others waits, with the reason in words, and starts nothing', async () => {
  await run({ image: 'nginx' })
  expect(processes.started).toHaveLength(0)
  expect(container().state.waiting).toMatchObject({ reason: 'ErrImageNeverPull' })
  expect(status().phase).toBe('Pending')
})

test('a container whose Secret comes later starts then', async () => {
  await run({ env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'late', key: 'k' } } }] })
  expect(container().state.waiting).toMatchObject({ reason: 'CreateContainerConfigError', message: 'configmap "late" not found' })
  await kube.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late', namespace: 'ns' }, data: { k: 'v' } })
  await advance(5_000)
  expect(processes.last().spec.env['X']).toBe('v')
})

test('files of a running container follow their ConfigMap within a minute', async () => {
  const conf = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf', namespace: 'ns' }, data: { level: 'info' } }
  await kube.create(configMaps, conf)
  await run({ volumeMounts: [{ name: 'conf', mountPath: '/etc/conf' }] }, { volumes: [{ name: 'conf', configMap: { name: 'conf' } }] })
  const level = () => disk.readFile('/data/pods/1/volumes/kafka/conf/level').toString()
  expect(level()).toBe('info')
  await kube.patch(configMaps, conf.metadata, 'merge', { data: { level: 'debug' } })
  await advance(5_000)
  expect(level(), 'sooner right after the start').toBe('debug')
  await advance(15_000)
  await kube.patch(configMaps, conf.metadata, 'merge', { data: { level: 'warn' } })
  await advance(60_000)
  expect(level()).toBe('warn')
  expect(processes.started).toHaveLength(1)
})

test('init containers run one after the other, before the others', async () => {
  await run({}, { initContainers: [{ name: 'first', image: 'sofakafka', args: ['broker', 'init'] }] })
  expect(processes.started).toHaveLength(1)
  expect(processes.last().spec.args.at(-1)).toBe('init')
  expect(status().phase).toBe('Pending')
  processes.last().exit({ code: 0 })
  await settle(10)
  expect(processes.started).toHaveLength(2)
  expect(status()).toMatchObject({ phase: 'Running', initContainerStatuses: [{ state: { terminated: { reason: 'Completed' } } }] })
})
