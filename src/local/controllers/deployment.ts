import { timestamp } from '../../kube/time.ts'
import type { WallClock } from '../../base/clock.ts'
import { canonical } from '../../kube/difference.ts'
import { ownerReference } from '../../kube/resources.ts'
import type { Key, Kube, Result } from '../../kube/types.ts'
import { controllerOf, deployments, isTerminating, replicaSets, type Condition, type Deployment, type ReplicaSet } from '../objects.ts'
import { DONE, makeController, ownerOf, watch, type Around, type Controller } from './controller.ts'
import { shortHash } from './hash.ts'

const HASH_LABEL = 'pod-template-hash'
const REVISION = 'deployment.kubernetes.io/revision'
const DEFAULT_HISTORY = 10

/** `25%` of 4 is 1; surge rounds up, unavailability down, as in Kubernetes. */
const share = (value: number | string | undefined, total: number, round: (x: number) => number): number => {
  const text = String(value ?? '25%')
  return text.endsWith('%') ? round((Number(text.slice(0, -1)) / 100) * total) : Number(text)
}

const sizeOf = (set: ReplicaSet): number => set.spec.replicas ?? 0
const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0
const sum = (sets: readonly ReplicaSet[], read: (set: ReplicaSet) => number): number => sets.reduce((total, set) => total + read(set), 0)

/** The new one grows when no pod of the old ones is left. */
const planRecreate = (wanted: number, current: ReplicaSet, old: readonly ReplicaSet[]): Map<string, number> => {
  const isEmpty = sum(old, (set) => set.status?.replicas ?? 0) === 0
  return new Map([...old.map((set) => [set.metadata.name, 0] as const), [current.metadata.name, isEmpty ? wanted : sizeOf(current)]])
}

/** How many pods each ReplicaSet should have next. `old` are those of other templates. Decides only. */
export const planRollout = (deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Map<string, number> => {
  const wanted = deployment.spec.replicas ?? 1
  const { type, rollingUpdate } = deployment.spec.strategy ?? {}
  if (type === 'Recreate') return planRecreate(wanted, current, old)
  const unavailable = share(rollingUpdate?.maxUnavailable, wanted, Math.floor)
  const surge = Math.max(share(rollingUpdate?.maxSurge, wanted, Math.ceil), unavailable === 0 ? 1 : 0)
  const room = Math.max(0, wanted + surge - sum([current, ...old], sizeOf))
  const sizes = new Map([[current.metadata.name, Math.min(wanted, sizeOf(current) + room)]])
  let spare = Math.max(0, sum([current, ...old], availableOf) - (wanted - unavailable))
  for (const set of old) {
    // Pods that are not available are no loss; they go first.
    const dead = Math.max(0, sizeOf(set) - availableOf(set))
    const gone = Math.min(sizeOf(set), dead + spare)
    spare -= Math.max(0, gone - dead)
    sizes.set(set.metadata.name, sizeOf(set) - gone)
  }
  return sizes
}

type Verdict = Required<Pick<Condition, 'type' | 'status' | 'reason' | 'message'>>

const AVAILABLE: Verdict = {
  type: 'Available',
  status: 'True',
  reason: 'MinimumReplicasAvailable',
  message: 'Deployment has minimum availability.',
}
const UNAVAILABLE: Verdict = {
  type: 'Available',
  status: 'False',
  reason: 'MinimumReplicasUnavailable',
  message: 'Deployment does not have minimum availability.',
}
const progressed = (name: string): Verdict => ({
  type: 'Progressing',
  status: 'True',
  reason: 'NewReplicaSetAvailable',
  message: `ReplicaSet "${name}" has successfully progressed.`,
})
const progressing = (name: string): Verdict => ({
  type: 'Progressing',
  status: 'True',
  reason: 'ReplicaSetUpdated',
  message: `ReplicaSet "${name}" is progressing.`,
})

const condition = (verdict: Verdict, before: Condition[], now: string): Condition => {
  const old = before.find((c) => c.type === verdict.type && c.status === verdict.status)
  return {
    ...verdict,
    lastTransitionTime: old?.lastTransitionTime ?? now,
    lastUpdateTime: (old?.reason === verdict.reason ? old.lastUpdateTime : undefined) ?? now,
  }
}

export const deploymentStatus = (
  deployment: Deployment,
  current: ReplicaSet,
  all: readonly ReplicaSet[],
  wallMs: number,
): NonNullable<Deployment['status']> => {
  const wanted = deployment.spec.replicas ?? 1
  const replicas = sum(all, (set) => set.status?.replicas ?? 0)
  const available = sum(all, availableOf)
  const updated = current.status?.replicas ?? 0
  const least = wanted - share(deployment.spec.strategy?.rollingUpdate?.maxUnavailable, wanted, Math.floor)
  const isComplete = updated === wanted && replicas === wanted && available === wanted
  const before = deployment.status?.conditions ?? []
  const { name } = current.metadata
  const verdicts = [available >= least ? AVAILABLE : UNAVAILABLE, isComplete ? progressed(name) : progressing(name)]
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas,
    updatedReplicas: updated,
    readyReplicas: sum(all, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
    conditions: verdicts.map((verdict) => condition(verdict, before, timestamp(wallMs))),
  }
}

const replicaSetOf = (deployment: Deployment, revision: number): ReplicaSet => {
  const { template, selector } = deployment.spec
  const hash = shortHash(template)
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      annotations: { [REVISION]: String(revision) },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas: 0,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

const withoutHash = ({ metadata, spec }: ReplicaSet['spec']['template']): unknown => {
  const { [HASH_LABEL]: _hash, ...labels } = metadata?.labels ?? {}
  return { spec, metadata: { annotations: metadata?.annotations, labels } }
}

const revisionOf = (set: ReplicaSet): number => Number(set.metadata.annotations?.[REVISION] ?? 0)

class Deployments {
  readonly #kube: Kube
  readonly #wall: WallClock

  constructor(options: { kube: Kube; wall: WallClock }) {
    this.#kube = options.kube
    this.#wall = options.wall
  }

  async sync(key: Key): Promise<Result> {
    const deployment = await this.#kube.get(deployments, key)
    if (!deployment || isTerminating(deployment)) return DONE
    const { items } = await this.#kube.list(replicaSets, { namespace: key.namespace })
    const owned = items.filter((set) => controllerOf(set)?.uid === deployment.metadata.uid).sort((a, b) => revisionOf(a) - revisionOf(b))
    const current = await this.#current(deployment, owned)
    const old = owned.filter((set) => set.metadata.uid !== current.metadata.uid)
    if (!deployment.spec.paused) await this.#scale(key.namespace, planRollout(deployment, current, old), [current, ...old])
    await this.#kube.patchStatus(deployments, deployment, deploymentStatus(deployment, current, [current, ...old], this.#wall.nowMs()))
    await this.#trim(deployment, old)
    return DONE
  }

  async #current(deployment: Deployment, owned: ReplicaSet[]): Promise<ReplicaSet> {
    const wanted = canonical(withoutHash(deployment.spec.template as ReplicaSet['spec']['template']))
    const newest = Math.max(0, ...owned.map(revisionOf))
    const same = owned.find((set) => canonical(withoutHash(set.spec.template)) === wanted)
    const namespace = deployment.metadata.namespace ?? ''
    const revision = same && revisionOf(same) === newest ? newest : newest + 1
    if (deployment.metadata.annotations?.[REVISION] !== String(revision)) {
      const annotations = { [REVISION]: String(revision) }
      await this.#kube.patch(deployments, { namespace, name: deployment.metadata.name }, 'merge', { metadata: { annotations } })
    }
    if (!same) return this.#kube.create(replicaSets, replicaSetOf(deployment, revision))
    if (revisionOf(same) === revision) return same
    const annotations = { [REVISION]: String(revision) }
    return this.#kube.patch(replicaSets, { namespace, name: same.metadata.name }, 'merge', { metadata: { annotations } })
  }

  async #scale(namespace: string, sizes: ReadonlyMap<string, number>, sets: readonly ReplicaSet[]): Promise<void> {
    for (const set of sets) {
      const replicas = sizes.get(set.metadata.name)
      if (replicas === undefined || replicas === set.spec.replicas) continue
      await this.#kube.patch(replicaSets, { namespace, name: set.metadata.name }, 'merge', { spec: { replicas } })
    }
  }

  async #trim(deployment: Deployment, old: readonly ReplicaSet[]): Promise<void> {
    const empty = old.filter((set) => set.spec.replicas === 0 && (set.status?.replicas ?? 0) === 0)
    const excess = empty.length - (deployment.spec.revisionHistoryLimit ?? DEFAULT_HISTORY)
    for (const { metadata } of empty.slice(0, Math.max(0, excess))) {
      await this.#kube.delete(replicaSets, { namespace: metadata.namespace ?? '', name: metadata.name })
    }
  }
}

export const deploymentController = (around: Around): Controller => {
  const all = new Deployments(around)
  return makeController(around, {
    name: 'deployment',
    watches: [watch(deployments), watch(replicaSets, ownerOf('Deployment'))],
    work: (key) => all.sync(key),
  })
}
