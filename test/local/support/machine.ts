import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { KubeClient } from '../../../src/kube/client.ts'
import { connectionTo, type KubeConnection } from '../../../src/kube/connection.ts'
import { createCertificate } from '../../../src/security/certificates.ts'
import { startApiServer } from '../../../src/local/apiserver/server.ts'
import { startControllers } from '../../../src/local/controllers/index.ts'
import { Kubelet } from '../../../src/local/kubelet/kubelet.ts'
import { Network } from '../../../src/local/kubelet/network.ts'
import { NodeProcesses } from '../../../src/local/kubelet/processes.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const TOKEN = 'token-of-the-test'

export const clientOf = (connection: KubeConnection): KubeClient =>
  new KubeClient({ connection, clock: monotonicClock, fieldManager: 'test', appliedAnnotation: 'sofakafka.io/applied' })

/** Ids of the processes that the kubelet of this directory says it runs; with `uid`, those of one pod. */
export const pidsOf = (dataDir: string, uid = ''): number[] => {
  const directory = join(dataDir, 'kubelet', 'run')
  const marks = nodeDisk.stat(directory) ? nodeDisk.list(directory).filter(({ name }) => name.startsWith(uid)) : []
  return marks.map(({ name }) => (JSON.parse(readFileSync(join(directory, name), 'utf8')) as { pid: number }).pid)
}

const FIXTURE = join(root, 'test/local/fixtures/program.ts')

/** A kubelet on any API server. Its pods run the fixture program, or `main` in its place. */
export const startKubelet = async (options: {
  kube: KubeClient
  dataDir: string
  port: number
  main?: string
  /** For the pods' processes, beside PATH. */
  environment?: Record<string, string>
  logToken?: string
  sharedAddress?: boolean
  network?: Network
}) => {
  const { kube, dataDir } = options
  const directory = join(dataDir, 'kubelet')
  const network =
    options.network ??
    (await Network.open({ disk: nodeDisk, directory: dataDir, seed: dataDir, shareAddress: options.sharedAddress ?? false }))
  const kubelet = new Kubelet({
    kube,
    name: 'local',
    version: 'v1.33.0-test',
    directory,
    network,
    places: {
      main: options.main ?? FIXTURE,
      preload: new URL(`file://${root}/src/local/kubelet/preload.ts`).href,
      environment: { PATH: process.env['PATH']!, ...options.environment },
      apiServer: { host: '127.0.0.1', port: options.port },
    },
    certificate: createCertificate({ commonName: 'local', ipAddresses: [network.nodeIP], nowMs: Date.now() }),
    logToken: options.logToken,
    capacity: { cpu: 2, memory: 8e9 },
    processes: new NodeProcesses({ disk: nodeDisk, directory: join(directory, 'run'), execPath: process.execPath }),
    disk: nodeDisk,
    monotonic: monotonicClock,
    wall: wallClock,
    logger: silentLogger,
  })
  await kubelet.start()
  return kubelet
}

/** The whole local mode without the operator: API server, controllers, kubelet. */
export const startMachine = async (dataDir: string, options: { sharedAddress?: boolean } = {}) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const network = await Network.open({ disk: nodeDisk, directory: dataDir, seed: dataDir, shareAddress: options.sharedAddress ?? false })
  const api = await startApiServer({
    disk: nodeDisk,
    dataDir: join(dataDir, 'apiserver'),
    port: 0,
    clocks: { monotonic: monotonicClock, wall: wallClock },
    logger: silentLogger,
    kubeletToken: TOKEN,
    ...(network.serviceCidr ? { serviceCidr: network.serviceCidr } : {}),
  })
  const token = api.issueToken({ user: 'system:test', groups: ['system:masters'] })
  const kube = clientOf(connectionTo(api.url, { ca: api.caCertificate, token }))
  const kubelet = await startKubelet({ kube, dataDir, port: api.port, logToken: TOKEN, network })
  const controllers = await startControllers({
    kube,
    volumes: join(dataDir, 'volumes'),
    caCertificate: api.caCertificate,
    disk: nodeDisk,
    monotonic: monotonicClock,
    wall: wallClock,
    logger: silentLogger,
  })
  const stop = async (): Promise<void> => {
    await controllers.stop()
    await kubelet.stop(2_000)
    kube.close()
    await api.stop()
  }
  return { api, kube, kubelet, network, stop, remove: () => rmSync(dataDir, { recursive: true, force: true }) }
}
export type Machine = Awaited<ReturnType<typeof startMachine>>
