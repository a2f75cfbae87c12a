import { APPLIED } from '../api/names.ts'
import { availableParallelism, totalmem } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { KubeClient } from '../kube/client.ts'
import { connectionTo } from '../kube/connection.ts'
import type { Kube } from '../kube/types.ts'
import type { ApiServer } from './apiserver/types.ts'
import { commandsFor, writeClientFiles } from './client-files.ts'
import { startControllers } from './controllers/index.ts'
import { Kubelet } from './kubelet/kubelet.ts'
import { Network } from './kubelet/network.ts'
import { NodeProcesses } from './kubelet/processes.ts'
import { applyAll, readManifests } from './manifests.ts'
import { operatorObjects } from './operator-deployment.ts'
import { Progress, wantedOf } from './progress.ts'
import type { Screen } from './screen.ts'

export type LocalOptions = {
  /** Everything of the local mode is in it. */
  dataDir: string
  /** YAML files to apply. */
  files: readonly string[]
  /** The first port to try for the API server. */
  port: number
  /** Pods share 127.0.0.1 even where they could have addresses of their own. */
  sharedAddress: boolean
  screen: Screen
  /** The module that every pod's process runs, variables that it gets, and this package's version. */
  main: string
  environment: Record<string, string>
  version: string
  /** Writes a file that only this user may read. */
  writePrivate: (path: string, text: string) => void
  randomToken: () => string
  disk: Disk
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  /** Aborts when the user wants to stop while things are starting. */
  signal: AbortSignal
}
export type RunningLocal = { stopped: Promise<number>; stop(): Promise<void>; kubeconfig: string; kube: Kube }

const NODE_NAME = 'local'
/** Within this everything must be Ready; after it the screen says what is not, and goes on. */
const READY_WITHIN_MS = 60_000
/** Each group of programs (operator, brokers, ZooKeeper) has this long to stop before it is killed. */
const STOP_GRACE_MS = 1_500
const PORTS_TRIED = 100

/** Beside this file: in the sources as .ts, in the package as .js. */
const here = (path: string): string => new URL(path.replace(/\.ts$/, import.meta.url.endsWith('.ts') ? '.ts' : '.js'), import.meta.url).href
const packaged = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

export const QUICKSTART = packaged('examples/quickstart.yaml')

const readCrds = async (disk: Disk): Promise<object[]> => {
  const folder = packaged('crds')
  const files = disk.list(folder).filter(({ name }) => name.endsWith('.yaml'))
  return (await Promise.all(files.map(({ name }) => readManifests(disk, join(folder, name))))).flat()
}

/** The API server on the wanted port or the next free one. */
const startApi = async (options: LocalOptions, serviceCidr: string | undefined, kubeletToken: string): Promise<ApiServer> => {
  const { startApiServer } = await import('./apiserver/server.ts')
  const { disk, clocks, logger, dataDir } = options
  const crds = await readCrds(disk)
  for (let port = options.port; ; port++) {
    try {
      return await startApiServer({
        disk,
        dataDir: join(dataDir, 'apiserver'),
        port,
        clocks,
        logger: logger.child({ component: 'apiserver' }),
        crds,
        kubeletToken,
        ...(serviceCidr ? { serviceCidr } : {}),
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || port >= options.port + PORTS_TRIED) throw error
      if (port === options.port) options.screen.note(`port ${port} is in use; taking the next free one`)
    }
  }
}

const clientFor = (api: ApiServer, name: string, clock: MonotonicClock): KubeClient => {
  const token = api.issueToken({ user: `system:${name}`, groups: ['system:masters'] })
  return new KubeClient({
    connection: connectionTo(api.url, { ca: api.caCertificate, token }),
    clock,
    fieldManager: `sofakafka-${name}`,
    appliedAnnotation: APPLIED,
  })
}

const makeKubelet = async (options: LocalOptions, api: ApiServer, kube: Kube, network: Network, logToken: string): Promise<Kubelet> => {
  const { createCertificate } = await import('../security/certificates.ts')
  const { dataDir, disk, clocks, logger, main, environment, version } = options
  const directory = join(dataDir, 'kubelet')
  return new Kubelet({
    kube,
    name: NODE_NAME,
    version: `v1.33.0-sofakafka.${version}`,
    directory,
    network,
    places: { main, preload: here('./kubelet/preload.ts'), environment, apiServer: { host: api.host, port: api.port } },
    certificate: createCertificate({ commonName: NODE_NAME, ipAddresses: [network.nodeIP], nowMs: clocks.wall.nowMs() }),
    logToken,
    capacity: { cpu: availableParallelism(), memory: totalmem() },
    processes: new NodeProcesses({ disk, directory: join(directory, 'run'), execPath: process.execPath }),
    disk,
    ...clocks,
    logger: logger.child({ component: 'kubelet' }),
  })
}

type Machine = { api: ApiServer; kube: KubeClient; stop(): Promise<void> }

/** API server, controllers and kubelet. What has been started when something fails, or the user stops, is stopped again. */
const startMachine = async (options: LocalOptions): Promise<Machine> => {
  const { screen, disk, clocks, logger, dataDir } = options
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const lock = disk.lock(join(dataDir, 'lock'))
    stops.push(() => Promise.resolve(lock.release()))
    const network = await Network.open({ disk, directory: dataDir, seed: dataDir, shareAddress: options.sharedAddress })
    const kubeletToken = options.randomToken()
    const api = await screen.step('API server', startApi(options, network.serviceCidr, kubeletToken))
    stops.push(() => api.stop())
    options.signal.throwIfAborted()
    const kube = clientFor(api, 'controllers', clocks.monotonic)
    const kubelet = await makeKubelet(options, api, clientFor(api, 'kubelet', clocks.monotonic), network, kubeletToken)
    stops.push(() => kubelet.stop(STOP_GRACE_MS))
    const volumes = join(dataDir, 'volumes')
    const controllers = startControllers({
      kube,
      volumes,
      caCertificate: api.caCertificate,
      disk,
      ...clocks,
      logger: logger.child({ component: 'controllers' }),
    })
    stops.push(async () => (await controllers).stop())
    await screen.step('controllers and node', Promise.all([controllers, kubelet.start()]))
    options.signal.throwIfAborted()
    return { api, kube, stop }
  } catch (error) {
    await stop().catch(() => {})
    throw error
  }
}

const fraction = ({ ready, all }: { ready: number; all: number }): string => `${ready}/${all}`

/** Ticks each part off when it is Ready. Rejects when it takes too long or the user stops. */
const showSteps = async (options: LocalOptions, progress: Progress): Promise<void> => {
  const { screen, clocks, signal } = options
  const late = new AbortController()
  const timer = clocks.monotonic.schedule(READY_WITHIN_MS, () => late.abort(new Error(`not Ready within ${READY_WITHIN_MS / 1000} s`)))
  const until = AbortSignal.any([signal, late.signal])
  const brokers = progress.objects('Cluster').reduce((sum, cluster) => sum + brokersOf(cluster), 0)
  const clusters = progress.resources('Cluster').all
  const steps: Promise<unknown>[] = [
    screen.step(
      'operator',
      progress.until(() => progress.pods('operator').ready > 0, until),
    ),
  ]
  if (clusters > 0) {
    steps.push(
      screen.step(
        'ZooKeeper',
        progress.until(() => progress.pods('zookeeper').ready >= clusters, until),
      ),
      screen.step(
        `brokers ${brokers}/${brokers}`,
        progress.until(() => progress.pods('broker').ready >= brokers, until),
      ),
    )
  }
  for (const kind of ['Cluster', 'Topic', 'User', 'Acl']) {
    const { all } = progress.resources(kind)
    const isReady = (): boolean => progress.resources(kind).ready === all
    if (all > 0) steps.push(screen.step(`${kind} ${all}/${all}`, progress.until(isReady, until)))
  }
  const results = await Promise.allSettled(steps)
  timer.cancel()
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

const brokersOf = (cluster: { spec?: unknown }): number =>
  ((cluster.spec as { brokers?: { replicas?: number }[] } | undefined)?.brokers ?? []).reduce((sum, { replicas = 0 }) => sum + replicas, 0)

const bootstrapOf = (progress: Progress) =>
  progress.objects('Cluster').map(({ metadata, status }) => ({
    name: metadata.name,
    bootstrapServers: status?.listeners?.map(({ bootstrapServers = '' }) => bootstrapServers).join(' ') ?? '',
  }))

const showSummary = async (
  options: LocalOptions,
  machine: Machine,
  progress: Progress,
  startMs: number,
  kubeconfig: string,
): Promise<void> => {
  const { dataDir, screen, clocks, version } = options
  const show = (path: string): string => relative(process.cwd(), path) || '.'
  const topicName = (topic: { metadata: { name: string }; spec?: unknown }) =>
    (topic.spec as { name?: string } | undefined)?.name ?? topic.metadata.name
  const files = await writeClientFiles(machine.kube, progress.objects('User'), join(dataDir, 'clients'), options.writePrivate)
  const commands = commandsFor({ acls: progress.objects('Acl'), topics: progress.objects('Topic').map(topicName), files, kubeconfig, show })
  screen.summary({
    version,
    dataDir: show(dataDir),
    pid: process.pid,
    readyMs: Math.round(clocks.monotonic.nowMs() - startMs),
    steps: [...screen.steps],
    clusters: bootstrapOf(progress),
    kubeconfig: show(kubeconfig),
    commands,
  })
}

/** The status line, until the signal aborts. */
const showStatus = async (screen: Screen, progress: Progress, signal: AbortSignal): Promise<void> => {
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  while (!signal.aborted) {
    const parts = ['Cluster', 'Topic', 'User', 'Acl'].map((kind) => [kind.toLowerCase(), progress.resources(kind)] as const)
    const shown = parts.filter(([, { all }]) => all > 0).map(([name, count]) => `${name} ${fraction(count)}`)
    screen.status([`brokers ${fraction(progress.pods('broker'))}`, ...shown].join('   '))
    await Promise.race([progress.change(), aborted])
  }
}

/** Starts the whole local mode: resolves when everything applied is Ready, or said why it is not. */
export const runLocal = async (options: LocalOptions): Promise<RunningLocal> => {
  const { clocks, screen, disk, dataDir, logger, signal } = options
  const startMs = clocks.monotonic.nowMs()
  const objects = (await Promise.all(options.files.map((file) => readManifests(disk, file)))).flat()
  const machine = await startMachine(options)
  const stopping = new AbortController()
  const stopped = Promise.withResolvers<number>()
  let ending: Promise<void> | undefined
  let progress: Progress | undefined
  const end = async (): Promise<void> => {
    const beganMs = clocks.monotonic.nowMs()
    stopping.abort(new Error('the local mode stops'))
    await progress?.stop()
    await machine.stop()
    screen.goodbye(clocks.monotonic.nowMs() - beganMs, relative(process.cwd(), dataDir) || '.')
    stopped.resolve(0)
  }
  const stop = (): Promise<void> => (ending ??= end())
  try {
    const kubeconfig = join(dataDir, 'kubeconfig')
    options.writePrivate(kubeconfig, machine.api.adminKubeconfig())
    const note = (text: string): void => screen.note(text)
    await applyAll(machine.kube, operatorObjects(`sofakafka:${options.version}`), note)
    const applied = await screen.step('resources applied', applyAll(machine.kube, objects, note))
    progress = new Progress({ kube: machine.kube, clock: clocks.monotonic, logger, wanted: wantedOf(applied) })
    await progress.start()
    await showSteps(options, progress).catch((error: unknown) => {
      signal.throwIfAborted()
      screen.fail((error as Error).message)
      for (const line of progress!.unready()) screen.fail(line)
    })
    await showSummary(options, machine, progress, startMs, kubeconfig)
    void showStatus(screen, progress, stopping.signal)
    return { stopped: stopped.promise, stop, kubeconfig, kube: machine.kube }
  } catch (error) {
    await stop()
    throw error
  }
}
