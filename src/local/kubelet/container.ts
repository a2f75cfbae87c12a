import { timestamp } from '../../kube/time.ts'
import { join } from 'node:path'
import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { Backoff } from '../../base/backoff.ts'
import { type Container, type ContainerState, type Pod } from '../objects.ts'
import { ContainerLog } from './container-log.ts'
import { ContainerConfigError } from './environment.ts'
import { launchOf } from './images.ts'
import type { Launcher } from './launcher.ts'
import type { ContainerView } from './pod-status.ts'
import { probeOnce, watchProbe } from './probe.ts'
import type { Prober } from './prober.ts'
import type { Exit, Processes, RunningProcess } from './processes.ts'

export type ContainerOptions = {
  container: Container
  /** The newest object: labels change while a pod lives. */
  pod: () => Pod
  /** `<pod's directory>`: logs/NAME/N.log, containers/NAME. */
  podDirectory: string
  host: string
  launcher: Launcher
  processes: Processes
  prober: Prober
  disk: Disk
  monotonic: MonotonicClock
  wall: WallClock
  logger: Logger
  /** What the API says from before this kubelet started. */
  earlier?: { restartCount: number; lastState: ContainerState }
  changed: () => void
}

/** Kubernetes' numbers: 10 s doubling to 5 minutes, forgotten after 10 minutes of running. */
const CRASH_BASE_MS = 10_000
const CRASH_MAX_MS = 300_000
const CRASH_FORGET_MS = 600_000
/** As Kubernetes' kubelet: a change of a ConfigMap is in the files about a minute later. */
const REFRESH_MS = 60_000
/** Sooner after the start: what others write when they see the pod's address, such as a certificate for it, is waited for. */
const FIRST_REFRESHES_MS = [5000, 15_000]
const CONFIG_RETRY_MS = { baseMs: 50, maxMs: 5_000 }
/** Logs of this many runs are kept: the present one and the one before. */
const KEPT_RUNS = 2

/** One container of one pod: makes its process, probes it, restarts it by the pod's policy. Owner of its state. */
export class ContainerRunner {
  readonly name: string
  readonly #options: ContainerOptions
  readonly #stopping = new AbortController()
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } }
  #lastState: ContainerState
  #restartCount: number
  #ready = false
  #started = false
  #process: RunningProcess | undefined
  #crashes = 0
  /** Ended by its liveness or startup probe. */
  #isUnhealthy = false

  constructor(options: ContainerOptions) {
    this.name = options.container.name
    this.#options = options
    this.#restartCount = options.earlier?.restartCount ?? 0
    this.#lastState = options.earlier?.lastState ?? {}
  }

  view(): ContainerView {
    return {
      name: this.name,
      image: this.#options.container.image,
      state: this.#state,
      lastState: this.#lastState,
      restartCount: this.#restartCount,
      ready: this.#ready,
      started: this.#started,
      processId: this.#process?.pid,
    }
  }

  /** Runs and restarts until the policy says that it is over, or stop. Resolves with the last exit; undefined when stopped before or between runs. */
  async run(policy: 'Always' | 'OnFailure' | 'Never'): Promise<Exit | undefined> {
    for (;;) {
      const process = await this.#launch()
      if (!process) return undefined
      const startedMs = this.#options.monotonic.nowMs()
      const exit = await process.exited
      const ranMs = this.#options.monotonic.nowMs() - startedMs
      this.#ended(exit)
      const isOver = policy === 'Never' || (policy === 'OnFailure' && exit.code === 0 && !this.#isUnhealthy)
      if (isOver || this.#stopping.signal.aborted) return exit
      this.#crashes = ranMs >= CRASH_FORGET_MS ? 0 : this.#crashes
      if (!(await this.#backOff())) return exit
      this.#restartCount++
    }
  }

  /** SIGTERM, and SIGKILL when it has not ended in time; no restart follows. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort(new Error('the pod is stopping'))
    await this.#end(graceMs)
  }

  async #end(graceMs: number): Promise<void> {
    const process = this.#process
    if (!process) return
    process.signal(graceMs > 0 ? 'SIGTERM' : 'SIGKILL')
    if (graceMs <= 0) return void (await process.exited)
    const killer = this.#options.monotonic.schedule(graceMs, () => process.signal('SIGKILL'))
    await process.exited
    killer.cancel()
  }

  #set(state: ContainerState): void {
    this.#state = state
    this.#options.changed()
  }

  /** Tries until there is a process; undefined when stopped first. */
  async #launch(): Promise<RunningProcess | undefined> {
    const { container, monotonic } = this.#options
    const launch = launchOf(container)
    const backoff = new Backoff(CONFIG_RETRY_MS)
    while (!this.#stopping.signal.aborted) {
      if ('refused' in launch) this.#set({ waiting: launch.refused })
      else {
        const process = await this.#start(launch).catch((error: unknown) => this.#notMade(error))
        if (process) return process
      }
      // A refusal holds as long as the pod: its containers cannot change.
      const pauseMs = 'refused' in launch ? CRASH_MAX_MS : backoff.nextMs()
      await monotonic.sleep(pauseMs, this.#stopping.signal).catch(() => {})
    }
    return undefined
  }

  #notMade(error: unknown): undefined {
    const reason = error instanceof ContainerConfigError ? error.reason : 'CreateContainerError'
    const message = error instanceof Error ? error.message : String(error)
    if (!(error instanceof ContainerConfigError)) this.#options.logger.warn({ err: error, container: this.name }, 'container not made')
    if (this.#state.waiting?.message !== message) this.#set({ waiting: { reason, message } })
  }

  async #start(launch: { program: string; args: string[] }): Promise<RunningProcess | undefined> {
    const { container, launcher, processes, podDirectory, disk, wall } = this.#options
    const pod = this.#options.pod()
    const spec = await launcher.prepare({ pod, container, podDirectory, launch })
    if (this.#stopping.signal.aborted) return undefined
    const log = this.#openLog()
    const id = `${pod.metadata.uid}_${container.name}`
    disk.makeDirectory(spec.cwd)
    const process = processes.start({ ...spec, id, onOutput: (stream, chunk) => log.write(stream, chunk) })
    void process.exited.then(() => log.close())
    this.#process = process
    this.#isUnhealthy = false
    this.#started = container.startupProbe === undefined
    this.#ready = this.#started && container.readinessProbe === undefined
    this.#set({ running: { startedAt: timestamp(wall.nowMs()) } })
    this.#watch(process)
    return process
  }

  #openLog(): ContainerLog {
    const { podDirectory, disk, wall } = this.#options
    const directory = join(podDirectory, 'logs', this.name)
    const old = this.#restartCount - KEPT_RUNS
    for (const name of old < 0 ? [] : [`${old}.log`, `${old}.log.1`]) disk.remove(join(directory, name))
    return new ContainerLog({ disk, clock: wall, path: join(directory, `${this.#restartCount}.log`) })
  }

  #ended(exit: Exit): void {
    const startedAt = this.#state.running?.startedAt
    this.#process = undefined
    this.#ready = false
    this.#started = false
    const reason = exit.code === 0 ? 'Completed' : 'Error'
    this.#set({
      terminated: {
        exitCode: exit.code,
        ...(exit.signal === undefined ? {} : { signal: exit.signal }),
        reason,
        ...(startedAt ? { startedAt } : {}),
        finishedAt: timestamp(this.#options.wall.nowMs()),
      },
    })
  }

  /** The first restart comes at once, as in Kubernetes. False when stopped meanwhile. */
  async #backOff(): Promise<boolean> {
    const { monotonic } = this.#options
    const delayMs = this.#crashes === 0 ? 0 : Math.min(CRASH_MAX_MS, CRASH_BASE_MS * 2 ** (this.#crashes - 1))
    this.#crashes++
    this.#lastState = this.#state
    if (delayMs === 0) return true
    const pod = this.#options.pod().metadata
    const message = `back-off ${delayMs / 1000}s restarting failed container=${this.name} pod=${pod.name}_${pod.namespace}`
    this.#set({ waiting: { reason: 'CrashLoopBackOff', message } })
    return monotonic.sleep(delayMs, this.#stopping.signal).then(
      () => true,
      () => {
        // A container that will not be restarted is shown as it ended.
        this.#set(this.#lastState)
        return false
      },
    )
  }

  #watch(process: RunningProcess): void {
    const { startupProbe, livenessProbe, readinessProbe } = this.#options.container
    const over = new AbortController()
    void process.exited.then(() => over.abort(new Error('the process ended')))
    const both = AbortSignal.any([over.signal, this.#stopping.signal])
    void this.#refresh(both)
    const watch = (kind: 'startup' | 'liveness' | 'readiness', tell: (ok: boolean) => void): Promise<void> => {
      const probe = this.#options.container[`${kind}Probe`]!
      const { container, host, launcher, prober, monotonic, logger } = this.#options
      const target = { host, container, hostPort: (port: number) => launcher.hostPort(this.#options.pod(), port) }
      return watchProbe(
        probe,
        () => probeOnce(probe, target, prober),
        (result) => {
          if (!result.ok) logger.info({ container: this.name, probe: kind, message: result.message }, 'probe failed')
          tell(result.ok)
        },
        { clock: monotonic, signal: both, eager: kind !== 'liveness' },
      ).catch(() => {})
    }
    const afterStart = (): void => {
      if (livenessProbe) void watch('liveness', (ok) => (ok ? undefined : this.#unhealthy(process)))
      if (readinessProbe) void watch('readiness', (ok) => this.#setReady(ok))
    }
    if (!startupProbe) return afterStart()
    void watch('startup', (ok) => {
      if (!ok) return this.#unhealthy(process)
      if (this.#started) return
      this.#started = true
      if (!readinessProbe) this.#ready = true
      this.#options.changed()
      afterStart()
    })
  }

  /** Files of a running container follow their ConfigMaps and Secrets, and tokens are renewed. */
  async #refresh(signal: AbortSignal): Promise<void> {
    const { launcher, monotonic, podDirectory, container, logger } = this.#options
    const launch = launchOf(container)
    if ('refused' in launch) return
    for (let turn = 0; !signal.aborted; turn++) {
      await monotonic.sleep(FIRST_REFRESHES_MS[turn] ?? REFRESH_MS, signal).catch(() => {})
      if (signal.aborted) return
      await launcher.prepare({ pod: this.#options.pod(), container, podDirectory, launch }).catch((error: unknown) => {
        logger.debug({ err: error, container: this.name }, 'files not refreshed, tries again')
      })
    }
  }

  #setReady(ready: boolean): void {
    if (this.#ready === ready || !this.#process) return
    this.#ready = ready
    this.#options.changed()
  }

  #unhealthy(process: RunningProcess): void {
    if (this.#process !== process || this.#isUnhealthy) return
    this.#isUnhealthy = true
    void this.#end((this.#options.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000)
  }
}
