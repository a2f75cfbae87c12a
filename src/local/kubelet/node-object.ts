import { timestamp } from '../../kube/time.ts'
import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { isKubeError } from '../../kube/error.ts'
import type { Kube } from '../../kube/types.ts'
import { leases, nodes, type Condition, type Node } from '../objects.ts'

export type NodeFacts = {
  name: string
  address: string
  version: string
  capacity: { cpu: number; memory: number }
  labels?: Record<string, string>
}
export type NodeHeartbeatOptions = { kube: Kube; facts: NodeFacts; monotonic: MonotonicClock; wall: WallClock; logger: Logger }

/** Kubernetes' defaults: a lease of 40 s renewed every 10 s, the status every 5 minutes. */
const LEASE_SECONDS = 40
const RENEW_MS = 10_000
const RENEWS_PER_STATUS = 30
const RETRY_MS = 500
const LEASE_NAMESPACE = 'kube-node-lease'
const MAX_PODS = '110'

const TAINTS_OF_A_NEW_NODE = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

const conditions = (now: string, before: Condition[] = []): Condition[] => {
  const wanted: [string, 'True' | 'False', string, string][] = [
    ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
  ]
  return wanted.map(([type, status, reason, message]) => {
    const old = before.find((c) => c.type === type && c.status === status)
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: old?.lastTransitionTime ?? now }
  })
}

export const nodeStatus = (facts: NodeFacts, kubeletPort: number, wallMs: number, before?: Node['status']): NonNullable<Node['status']> => {
  const resources = { cpu: String(facts.capacity.cpu), memory: `${Math.floor(facts.capacity.memory / 1024)}Ki`, pods: MAX_PODS }
  return {
    addresses: [
      { type: 'InternalIP', address: facts.address },
      // API servers prefer this one, and the node's name resolves nowhere.
      { type: 'Hostname', address: facts.address },
    ],
    capacity: resources,
    allocatable: resources,
    conditions: conditions(timestamp(wallMs), before?.conditions),
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    nodeInfo: {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      operatingSystem: process.platform,
      kubeletVersion: facts.version,
      containerRuntimeVersion: `process://${process.versions.node}`,
      osImage: 'processes of this machine',
      kernelVersion: '',
      kubeProxyVersion: '',
      machineID: '',
      systemUUID: '',
      bootID: '',
    },
  }
}

/** The Node object of this machine and its Lease: registers, and renews until stopped. */
export class NodeHeartbeat {
  readonly #options: NodeHeartbeatOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #kubeletPort = 0

  constructor(options: NodeHeartbeatOptions) {
    this.#options = options
  }

  /** Resolves when the node is registered and Ready. `kubeletPort`: where the API server reads logs. */
  async start(kubeletPort: number): Promise<void> {
    this.#kubeletPort = kubeletPort
    await this.#register()
    this.#running = this.#beat()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the kubelet stops'))
    await this.#running
  }

  async #register(): Promise<void> {
    const { kube, facts } = this.#options
    const labels = {
      'kubernetes.io/hostname': facts.name,
      'kubernetes.io/os': process.platform,
      'kubernetes.io/arch': process.arch === 'x64' ? 'amd64' : process.arch,
      ...facts.labels,
    }
    const known = await kube.get(nodes, { namespace: '', name: facts.name })
    if (!known) await kube.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: facts.name, labels } })
    else await kube.patch(nodes, { namespace: '', name: facts.name }, 'merge', { metadata: { labels } })
    await this.#report()
    await this.#renew()
    await this.#removeTaints()
  }

  /** A cluster's admission taints a new node until its network is set up; here there is nothing to set up. */
  async #removeTaints(): Promise<void> {
    const { kube, facts } = this.#options
    const node = await kube.get(nodes, { namespace: '', name: facts.name })
    const taints = node?.spec?.taints ?? []
    const kept = taints.filter(({ key }) => !TAINTS_OF_A_NEW_NODE.includes(key))
    if (kept.length < taints.length) await kube.patch(nodes, { namespace: '', name: facts.name }, 'merge', { spec: { taints: kept } })
  }

  async #report(): Promise<void> {
    const { kube, facts, wall } = this.#options
    const node = await kube.get(nodes, { namespace: '', name: facts.name })
    const status = nodeStatus(facts, this.#kubeletPort, wall.nowMs(), node?.status)
    await kube.patch(nodes, { namespace: '', name: facts.name }, 'merge', { status }, { subresource: 'status' })
  }

  async #renew(): Promise<void> {
    const { kube, facts, wall } = this.#options
    const key = { namespace: LEASE_NAMESPACE, name: facts.name }
    const renewTime = `${new Date(wall.nowMs()).toISOString().slice(0, -1)}000Z`
    const spec = { holderIdentity: facts.name, leaseDurationSeconds: LEASE_SECONDS, renewTime }
    try {
      await kube.patch(leases, key, 'merge', { spec })
    } catch (error) {
      if (!isKubeError(error, 404)) throw error
      await kube.create(leases, { apiVersion: leases.apiVersion, kind: leases.kind, metadata: key, spec })
    }
  }

  async #beat(): Promise<void> {
    const { monotonic, logger } = this.#options
    const { signal } = this.#stop
    let pauseMs = RENEW_MS
    for (let count = 1; !signal.aborted; count++) {
      await monotonic.sleep(pauseMs, signal).catch(() => {})
      if (signal.aborted) return
      try {
        await this.#renew()
        if (count % RENEWS_PER_STATUS === 0) await this.#report()
        await this.#removeTaints()
        pauseMs = RENEW_MS
      } catch (error) {
        logger.warn({ err: error }, 'heartbeat failed, tries again')
        pauseMs = RETRY_MS
      }
    }
  }
}
