import { join } from 'node:path'
import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { Informer } from '../../kube/informer.ts'
import type { Kube } from '../../kube/types.ts'
import { pods, type Pod } from '../objects.ts'
import { launchOf, PROGRAMS } from './images.ts'
import { Launcher, type ProgramPlaces } from './launcher.ts'
import { LogServer } from './log-server.ts'
import { NameService } from './name-service.ts'
import { KUBELET_PORT, type Network } from './network.ts'
import { NodeHeartbeat } from './node-object.ts'
import { PodSources } from './pod-sources.ts'
import { PodWorker } from './pod-worker.ts'
import { networkProber, type Prober } from './prober.ts'
import type { Processes } from './processes.ts'

export type KubeletOptions = {
  kube: Kube
  /** The node's name. */
  name: string
  labels?: Record<string, string>
  version: string
  /** Everything of the kubelet is under it: pods/, names.json. */
  directory: string
  network: Network
  places: Omit<ProgramPlaces, 'names'>
  /** For the HTTPS endpoint from which the API server reads logs. */
  certificate: { certificatePem: string; keyPem: string }
  /** What the API server sends to that endpoint; undefined: anyone on this machine may read logs. */
  logToken: string | undefined
  capacity: { cpu: number; memory: number }
  processes: Processes
  prober?: Prober
  disk: Disk
  monotonic: MonotonicClock
  wall: WallClock
  logger: Logger
}

/** A node of a Kubernetes cluster whose pods are processes of this machine: only this package's programs, only on loopback. */
export class Kubelet {
  readonly #options: KubeletOptions
  readonly #informer: Informer<Pod>
  readonly #workers = new Map<string, PodWorker>()
  readonly #heartbeat: NodeHeartbeat
  readonly #names: NameService
  readonly #launcher: Launcher
  readonly #sources: PodSources
  #logs: LogServer | undefined
  #isStopping = false

  constructor(options: KubeletOptions) {
    this.#options = options
    const { kube, disk, network, monotonic, wall, logger, directory, places, capacity } = options
    const namesPath = join(directory, 'names.json')
    this.#sources = new PodSources({ kube, clock: wall })
    this.#launcher = new Launcher({ disk, network, places: { ...places, names: namesPath }, sources: this.#sources, capacity })
    this.#names = new NameService({ kube, network, disk, path: namesPath, clock: monotonic, logger })
    const facts = {
      name: options.name,
      address: network.nodeIP,
      version: options.version,
      capacity,
      ...(options.labels ? { labels: options.labels } : {}),
    }
    this.#heartbeat = new NodeHeartbeat({ kube, facts, monotonic, wall, logger })
    this.#informer = new Informer({
      kube,
      resource: pods,
      fieldSelector: `spec.nodeName=${options.name}`,
      clock: monotonic,
      logger,
      onChange: (now, before) => this.#changed(now, before),
    })
  }

  /** Resolves when the node is Ready and its pods are known. Ends first what an earlier kubelet of this directory left running. */
  async start(): Promise<void> {
    const { processes, disk, directory, logger } = this.#options
    disk.makeDirectory(join(directory, 'pods'))
    const orphans = processes.endOrphans()
    if (orphans > 0) logger.warn({ count: orphans }, 'ended processes that an earlier kubelet left behind')
    const kubeletPort = await this.#serveLogs()
    await Promise.all([this.#heartbeat.start(kubeletPort), this.#names.start()])
    this.#informer.start()
    await this.#informer.synced
    this.#removeDirectories()
  }

  /** Ends all processes, who is served before who serves, each group within `graceMs`. The pods stay in the API and go on at the next start. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    await Promise.all([this.#informer.stop(), this.#heartbeat.stop()])
    for (const group of this.#stopGroups()) await Promise.all(group.map((worker) => worker.shutDown(graceMs)))
    await this.#names.stop()
    await this.#logs?.stop()
  }

  /** Ends all processes at once. */
  async kill(): Promise<void> {
    this.#isStopping = true
    await Promise.all([...this.#workers.values()].map((worker) => worker.shutDown(0)))
  }

  #stopGroups(): PodWorker[][] {
    const rank = (worker: PodWorker): number => {
      const launches = worker.images.map(launchOf)
      return Math.max(...launches.map((launch) => ('program' in launch ? PROGRAMS.indexOf(launch.program) : 0)))
    }
    const workers = [...this.#workers.values()]
    return [...new Set(workers.map(rank))].sort((a, b) => a - b).map((wanted) => workers.filter((worker) => rank(worker) === wanted))
  }

  async #serveLogs(): Promise<number> {
    const { network, certificate, logToken, disk, monotonic, wall } = this.#options
    this.#logs = new LogServer({
      host: network.nodeIP,
      port: network.isShared ? await network.hostPort('node', KUBELET_PORT) : KUBELET_PORT,
      ...certificate,
      token: logToken,
      disk,
      directoryOf: (namespace, pod, container) => this.#logDirectory(namespace, pod, container),
      monotonic,
      wall,
    })
    return this.#logs.start()
  }

  #logDirectory(namespace: string, name: string, container: string): string | undefined {
    const pod = this.#informer.get({ namespace, name })
    const all = pod && [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
    return all?.some((each) => each.name === container) ? join(this.#podDirectory(pod!), 'logs', container) : undefined
  }

  #podDirectory(pod: Pod): string {
    return join(this.#options.directory, 'pods', pod.metadata.uid!)
  }

  #changed(now: Pod | undefined, before: Pod | undefined): void {
    if (this.#isStopping) return
    const uid = (now ?? before)!.metadata.uid!
    const gone = before && before.metadata.uid !== now?.metadata.uid ? this.#forget(before) : Promise.resolve()
    if (!now) return
    const worker = this.#workers.get(uid) ?? this.#begin(now, gone)
    worker.update(now)
  }

  /** `gone`: the end of a pod of the same name before it, which had the same address and volumes. */
  #begin(pod: Pod, gone: Promise<void>): PodWorker {
    const { kube, network, processes, disk, monotonic, wall, logger } = this.#options
    const worker = new PodWorker({
      pod,
      kube,
      podDirectory: this.#podDirectory(pod),
      address: network.podAddress(`${pod.metadata.namespace}/${pod.metadata.name}`),
      nodeIP: network.nodeIP,
      launcher: this.#launcher,
      processes,
      prober: this.#options.prober ?? networkProber,
      disk,
      monotonic,
      wall,
      logger,
    })
    this.#workers.set(worker.uid, worker)
    // A pod that is on its way out was running under an earlier kubelet: nothing of it is started again.
    if (pod.metadata.deletionTimestamp === undefined) void gone.then(() => worker.start())
    return worker
  }

  async #forget(pod: Pod): Promise<void> {
    const worker = this.#workers.get(pod.metadata.uid!)
    this.#workers.delete(pod.metadata.uid!)
    await worker?.kill()
    this.#sources.forget(pod)
    this.#options.disk.removeDirectory(this.#podDirectory(pod))
  }

  /** Directories of pods that went while no kubelet ran. */
  #removeDirectories(): void {
    const { disk, directory } = this.#options
    for (const { name } of disk.list(join(directory, 'pods'))) {
      if (!this.#workers.has(name)) disk.removeDirectory(join(directory, 'pods', name))
    }
  }
}
