import { timestamp } from '../../kube/time.ts'
import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { isKubeError } from '../../kube/error.ts'
import { LOCAL_PORTS } from '../../kube/pods.ts'
import { keyOf, type Kube } from '../../kube/types.ts'
import { isOver, pods, type Container, type ContainerState, type ContainerStatus, type Pod } from '../objects.ts'
import { ContainerRunner } from './container.ts'
import type { Launcher } from './launcher.ts'
import { podStatusOf } from './pod-status.ts'
import type { Prober } from './prober.ts'
import type { Processes } from './processes.ts'
import { withServiceAccount } from './service-account.ts'

export type PodWorkerOptions = {
  pod: Pod
  kube: Kube
  podDirectory: string
  address: string
  nodeIP: string
  launcher: Launcher
  processes: Processes
  prober: Prober
  disk: Disk
  monotonic: MonotonicClock
  wall: WallClock
  logger: Logger
}

const DEFAULT_GRACE_SECONDS = 30
const RETRY_MS = 500

/** What a container was before this kubelet started: its process is gone, so a run that was going counts as ended, for a reason that nobody saw. */
const earlierOf = (status: ContainerStatus | undefined, now: string): { restartCount: number; lastState: ContainerState } | undefined => {
  if (!status) return undefined
  const { restartCount, state, lastState } = status
  const ended =
    state.terminated ?? (state.running && { exitCode: 255, reason: 'Unknown', startedAt: state.running.startedAt, finishedAt: now })
  return ended ? { restartCount: restartCount + 1, lastState: { terminated: ended } } : { restartCount, lastState }
}

/** Brings one pod to what its object says, and reports. One worker per pod (uid); owner of its containers. */
export class PodWorker {
  readonly #options: PodWorkerOptions
  readonly #init: ContainerRunner[]
  readonly #containers: ContainerRunner[]
  readonly #startTime: string
  readonly #log: Logger
  #pod: Pod
  #isReporting = false
  #isDirty = false
  /** No reports any more: the machine is stopping, the pod stays in the API as it was. */
  #isSilent = false
  #isEnding = false

  constructor(options: PodWorkerOptions) {
    this.#options = options
    this.#pod = options.pod
    const { wall, logger } = options
    this.#log = logger.child({ pod: `${options.pod.metadata.namespace}/${options.pod.metadata.name}` })
    this.#startTime = options.pod.status?.startTime ?? timestamp(wall.nowMs())
    const { spec, status = {} } = this.#current()
    this.#init = (spec.initContainers ?? []).map((container) => this.#runner(container, status.initContainerStatuses))
    this.#containers = spec.containers.map((container) => this.#runner(container, status.containerStatuses))
  }

  get uid(): string {
    return this.#pod.metadata.uid!
  }

  start(): void {
    if (isOver(this.#pod)) return
    void this.#run().catch((error: unknown) => this.#log.error({ err: error }, 'pod failed'))
  }

  /** A newer object of the same pod. */
  update(pod: Pod): void {
    this.#pod = pod
    if (pod.metadata.deletionTimestamp === undefined || this.#isEnding) return
    this.#isEnding = true
    void this.#terminate()
  }

  /** The object is gone without having been terminated first (forced deletion). */
  async kill(): Promise<void> {
    this.#isSilent = true
    await this.#stop(0)
  }

  /** Stops the processes and leaves the object alone: after a restart of the kubelet the pod goes on. */
  async shutDown(graceMs: number): Promise<void> {
    this.#isSilent = true
    await this.#stop(graceMs)
  }

  /** Which programs run in it: they decide the order of a stopping machine. */
  get images(): Container[] {
    return this.#pod.spec.containers
  }

  #current(): Pod {
    const { address, nodeIP } = this.#options
    const status = { ...this.#pod.status, podIP: address, podIPs: [{ ip: address }], hostIP: nodeIP, hostIPs: [{ ip: nodeIP }] }
    return withServiceAccount({ ...this.#pod, status })
  }

  #runner(container: Container, statuses: ContainerStatus[] | undefined): ContainerRunner {
    const { podDirectory, address, launcher, processes, prober, disk, monotonic, wall } = this.#options
    const earlier = earlierOf(
      statuses?.find(({ name }) => name === container.name),
      timestamp(wall.nowMs()),
    )
    return new ContainerRunner({
      container,
      pod: () => this.#current(),
      podDirectory,
      host: address,
      launcher,
      processes,
      prober,
      disk,
      monotonic,
      wall,
      logger: this.#log,
      ...(earlier ? { earlier } : {}),
      changed: () => this.#report(),
    })
  }

  async #run(): Promise<void> {
    const ports = await this.#options.launcher.placePorts(this.#pod)
    if (ports) await this.#tellPorts(ports)
    const policy = this.#pod.spec.restartPolicy ?? 'Always'
    for (const runner of this.#init) {
      // An init container runs until it has succeeded; with Never one failure is the pod's.
      const exit = await runner.run(policy === 'Never' ? 'Never' : 'OnFailure')
      if (!exit || exit.code !== 0) return
    }
    await Promise.all(this.#containers.map((runner) => runner.run(policy)))
  }

  /** Who knows a pod by its address needs its ports too: the operator reads them from this annotation. */
  async #tellPorts(ports: Record<string, number>): Promise<void> {
    const annotations = { [LOCAL_PORTS]: JSON.stringify(ports) }
    await this.#options.kube.patch(pods, keyOf(this.#pod), 'merge', { metadata: { annotations } })
  }

  async #stop(graceMs: number): Promise<void> {
    await Promise.all([...this.#init, ...this.#containers].map((runner) => runner.stop(graceMs)))
  }

  async #terminate(): Promise<void> {
    const { deletionGracePeriodSeconds, name, namespace } = this.#pod.metadata
    const grace = deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS
    await this.#stop(grace * 1000)
    this.#isSilent = true
    for (;;) {
      try {
        const preconditions = { uid: this.uid }
        await this.#options.kube.delete(pods, { namespace: namespace ?? '', name }, { gracePeriodSeconds: 0, preconditions })
        return
      } catch (error) {
        if (isKubeError(error, 409)) return
        this.#log.warn({ err: error }, 'a stopped pod could not be removed, tries again')
        await this.#options.monotonic.sleep(RETRY_MS)
      }
    }
  }

  /** One report at a time; changes during it are in the next one. */
  #report(): void {
    this.#isDirty = true
    if (this.#isReporting || this.#isSilent) return
    this.#isReporting = true
    void this.#reportAll().finally(() => {
      this.#isReporting = false
    })
  }

  async #reportAll(): Promise<void> {
    while (this.#isDirty && !this.#isSilent) {
      this.#isDirty = false
      const { kube, wall, address, nodeIP, monotonic } = this.#options
      const view = {
        init: this.#init.map((runner) => runner.view()),
        containers: this.#containers.map((runner) => runner.view()),
        podIP: address,
        hostIP: nodeIP,
        startTime: this.#startTime,
      }
      const status = podStatusOf(this.#pod, view, wall.nowMs())
      try {
        const body = { metadata: { uid: this.uid }, status }
        this.#keep(await kube.patch(pods, keyOf(this.#pod), 'merge', body, { subresource: 'status' }))
      } catch (error) {
        if (isKubeError(error, 404, 409)) return
        this.#log.warn({ err: error }, 'status not reported, tries again')
        this.#isDirty = true
        await monotonic.sleep(RETRY_MS)
      }
    }
  }

  /** The watch may be behind the answer: conditions are judged against the newest known. */
  #keep(pod: Pod): void {
    if (this.#pod.metadata.uid === pod.metadata.uid) this.#pod = { ...this.#pod, status: pod.status }
  }
}
