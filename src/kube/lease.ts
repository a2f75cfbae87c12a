import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { isKubeError } from './error.ts'
import { leases, type Lease } from './resources.ts'
import { microTimestamp } from './time.ts'
import type { Key, Kube } from './types.ts'

export type LeaderElectionOptions = {
  kube: Kube
  key: Key
  /** Who this process is, e.g. its pod's name and a random part. */
  identity: string
  clock: MonotonicClock
  wall: WallClock
  logger: Logger
  /** Others take over when the holder has not renewed for so long. */
  leaseDurationMs?: number
  /** The holder itself stops acting this long after its last renewal: earlier than the others may begin. */
  renewDeadlineMs?: number
  retryMs?: number
}

/**
 * Leader election by a Lease, as Kubernetes' own controllers do it: whether another's lease has run out is judged by the own clock since its last change was seen,
 * never by the times in it, so clocks may differ.
 */
export class LeaderElection {
  /** Resolves when the lease is lost, after it was held. */
  readonly lost: Promise<void>
  readonly #options: LeaderElectionOptions
  readonly #stop = new AbortController()
  #onLost!: () => void
  #renewedMs = -Infinity
  #seen: { resourceVersion: string; atMs: number } | undefined
  #renewing: Promise<void> | undefined

  constructor(options: LeaderElectionOptions) {
    this.#options = options
    this.lost = new Promise((resolve) => {
      this.#onLost = resolve
    })
  }

  get isLeader(): boolean {
    const { clock, renewDeadlineMs = 10_000 } = this.#options
    return clock.nowMs() - this.#renewedMs < renewDeadlineMs
  }

  /** For the client: throws when this process may not write any more, so one that was paused does not act on what it knew before. */
  readonly fence = (): void => {
    if (!this.isLeader) throw new Error(`${this.#options.identity} does not hold the lease ${this.#options.key.name} any more`)
  }

  /** Waits until this process is the leader, then renews in the background. Rejects when `stop` comes first. */
  async acquire(): Promise<void> {
    const { clock, retryMs = 2000, logger, identity } = this.#options
    while (!(await this.#try())) await clock.sleep(retryMs, this.#stop.signal)
    this.#stop.signal.throwIfAborted()
    logger.info({ identity, lease: this.#options.key.name }, 'this process leads')
    this.#renewing = this.#renew()
  }

  /** Gives the lease up, so that another takes it at once. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the election was stopped'))
    await this.#renewing
    if (!this.isLeader) return
    try {
      const lease = await this.#options.kube.get(leases, this.#options.key)
      if (lease?.spec?.holderIdentity !== this.#options.identity) return
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 }
      await this.#options.kube.update(leases, { ...lease, spec })
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'the lease could not be given up')
    }
    this.#renewedMs = -Infinity
  }

  async #renew(): Promise<void> {
    const { clock, retryMs = 2000, logger } = this.#options
    for (;;) {
      const isStopped = await clock.sleep(retryMs, this.#stop.signal).then(
        () => false,
        () => true,
      )
      if (isStopped) return
      const held = await this.#try()
      if (held || this.isLeader) continue
      logger.error({ lease: this.#options.key.name }, 'the lease is lost')
      this.#onLost()
      return
    }
  }

  /** One attempt to get or keep the lease. The time before the request counts as the time of the renewal. */
  async #try(): Promise<boolean> {
    const { kube, key, identity, clock, logger } = this.#options
    const startedMs = clock.nowMs()
    try {
      const lease = await kube.get(leases, key)
      const holder = lease?.spec?.holderIdentity
      if (lease && holder && holder !== identity && !this.#hasRunOut(lease)) {
        this.#renewedMs = -Infinity
        return false
      }
      const spec = this.#specAfter(lease)
      if (lease) await kube.update(leases, { ...lease, spec })
      else await kube.create(leases, { apiVersion: leases.apiVersion, kind: leases.kind, metadata: { ...key }, spec })
      this.#renewedMs = startedMs
      return true
    } catch (error) {
      if (!isKubeError(error, 409)) logger.warn({ err: error, lease: key.name }, 'the lease could not be renewed')
      return false
    }
  }

  #hasRunOut(lease: Lease): boolean {
    const { clock } = this.#options
    const resourceVersion = lease.metadata.resourceVersion ?? ''
    if (this.#seen?.resourceVersion !== resourceVersion) this.#seen = { resourceVersion, atMs: clock.nowMs() }
    return clock.nowMs() - this.#seen.atMs > (lease.spec?.leaseDurationSeconds ?? 15) * 1000
  }

  #specAfter(lease: Lease | undefined): NonNullable<Lease['spec']> {
    const { identity, wall, leaseDurationMs = 15_000 } = this.#options
    const now = microTimestamp(wall.nowMs())
    const isMine = lease?.spec?.holderIdentity === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: isMine ? lease?.spec?.acquireTime : now,
      renewTime: now,
      leaseTransitions: (lease?.spec?.leaseTransitions ?? 0) + (isMine || !lease ? 0 : 1),
    }
  }
}
