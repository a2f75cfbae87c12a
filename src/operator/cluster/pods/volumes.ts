import { isKubeError } from '../../../kube/error.ts'
import { quantity } from '../../../kube/difference.ts'
import * as resources from '../../../kube/resources.ts'
import { keyOf } from '../../../kube/types.ts'
import { CLUSTER_LABEL, GROUP_LABEL, namespaceOf } from '../../names.ts'
import { reconciling, stalled, type Verdict } from '../../reasons.ts'
import { verdictOfAll, type Finding, type Pass, type Step, type Warning } from '../steps.ts'

/** The name of the volume in pods and in the StatefulSets' templates. */
const VOLUME = 'data'
const LOOK_AGAIN_MS = 2000
/** A kubelet enlarges a file system while the pod runs, where the driver can; one that has not by then needs the pod to start anew. */
const RESTART_AFTER_MS = 120_000

type Claim = resources.PersistentVolumeClaim
type Set = resources.StatefulSet

/**
 * Volumes grow to what the spec says: the claims first, then the StatefulSet, whose template nobody may change, goes without its pods (Orphan) and comes again
 * with the other size. Each step is judged from what is there, so it may be interrupted anywhere.
 */
export const volumes: Step = {
  name: 'volumes',
  run: async (pass) => {
    const { environment, cluster } = pass
    const { items } = await environment.kube.list(resources.persistentVolumeClaims, {
      namespace: namespaceOf(cluster),
      labelSelector: `${CLUSTER_LABEL}=${cluster.metadata.name}`,
    })
    const findings = await Promise.all(pass.statefulSets.map((set) => growSet(pass, set, items)))
    return {
      verdict: verdictOfAll(findings),
      warnings: findings.flatMap(({ warnings }) => warnings ?? []),
      requeueAfterMs: Math.min(...findings.map(({ requeueAfterMs }) => requeueAfterMs ?? Infinity)),
    }
  },
}

const growSet = async (pass: Pass, set: Set, all: readonly Claim[]): Promise<Finding> => {
  const { kube } = pass.environment
  const live = await kube.get(resources.statefulSets, keyOf(set))
  if (live?.metadata.deletionTimestamp) return again(pass, set)
  const claims = all.filter((claim) => isOf(claim, set))
  const refusals = await growClaims(pass, set, claims)
  if (refusals.length > 0) {
    if (live) keepTemplate(pass, set, live)
    return { verdict: stalled('VolumeCannotGrow', refusals.join('; ')) }
  }
  if (live && bytes(sizeOf(live)) !== bytes(sizeOf(set))) {
    await orphan(pass, live, set)
    return again(pass, set)
  }
  const verdict = growing(pass, set, claims)
  return { verdict, warnings: larger(set, claims), ...(verdict ? { requeueAfterMs: LOOK_AGAIN_MS } : {}) }
}

/** The claims of the pods that the set has; those of brokers that went are not paid for. */
const isOf = (claim: Claim, set: Set): boolean => {
  const prefix = `${VOLUME}-${set.metadata.name}-`
  if (!claim.metadata.name.startsWith(prefix) || claim.metadata.labels?.[GROUP_LABEL] !== set.spec.selector.matchLabels[GROUP_LABEL])
    return false
  const number = Number(claim.metadata.name.slice(prefix.length))
  const first = set.spec.ordinals?.start ?? 0
  return number >= first && number < first + set.spec.replicas
}

const sizeOf = (set: Set): string =>
  (set.spec.volumeClaimTemplates as Claim[] | undefined)?.find(({ metadata }) => metadata.name === VOLUME)?.spec.resources?.requests?.[
    'storage'
  ] ?? ''
const requestOf = (claim: Claim): string => claim.spec.resources?.requests?.['storage'] ?? ''
const capacityOf = (claim: Claim): string | undefined => (claim.status?.['capacity'] as Record<string, string> | undefined)?.['storage']
const bytes = (text: string | undefined): number => quantity(text) ?? 0

/** Asks for the larger size, where the claim has a volume yet. What was refused first, in words. */
const growClaims = async (pass: Pass, set: Set, claims: readonly Claim[]): Promise<string[]> => {
  const { kube, events } = pass.environment
  const size = sizeOf(set)
  for (const claim of claims.filter((one) => one.status?.phase === 'Bound' && bytes(requestOf(one)) < bytes(size))) {
    try {
      await kube.patch(resources.persistentVolumeClaims, keyOf(claim), 'merge', { spec: { resources: { requests: { storage: size } } } })
      const note = `volume ${claim.metadata.name} grows from ${requestOf(claim)} to ${size}`
      await events.record(pass.cluster, { type: 'Normal', reason: 'Changed', action: 'GrowVolume', note })
    } catch (error) {
      if (!isKubeError(error, 403, 422)) throw error
      return [
        `the volume ${claim.metadata.name} cannot grow from ${requestOf(claim)} to ${size}: ${error.message}; ` +
          `allow it (allowVolumeExpansion of its StorageClass ${claim.spec.storageClassName ?? ''}), or make a new group of brokers with larger volumes`,
      ]
    }
  }
  return []
}

/** The pods stay, and belong to the next StatefulSet of this name. */
const orphan = async (pass: Pass, live: Set, wanted: Set): Promise<void> => {
  const { uid, resourceVersion } = live.metadata
  const options = { propagation: 'Orphan', preconditions: { uid, resourceVersion } } as const
  await pass.environment.kube.delete(resources.statefulSets, keyOf(live), options)
  const note = `StatefulSet ${live.metadata.name} is made again for volumes of ${sizeOf(wanted)}; its pods stay`
  await pass.environment.events.record(pass.cluster, { type: 'Normal', reason: 'Changed', action: 'GrowVolume', note })
}

/** Everything else of the StatefulSet is applied all the same. */
const keepTemplate = (pass: Pass, set: Set, { spec: { volumeClaimTemplates } }: Set): void => {
  pass.objects = pass.objects.map((object) => (object === set ? { ...set, spec: { ...set.spec, volumeClaimTemplates } } : object))
}

/** Not applied in this pass: the old one is still being deleted. */
const leaveOut = (pass: Pass, set: Set): void => {
  pass.objects = pass.objects.filter((object) => object !== set)
}

const again = (pass: Pass, set: Set): Finding => {
  leaveOut(pass, set)
  pass.hold ??= `the StatefulSet ${set.metadata.name} is made again`
  return {
    verdict: reconciling('VolumesGrowing', `the StatefulSet ${set.metadata.name} is made again for volumes of ${sizeOf(set)}`),
    requeueAfterMs: 200,
  }
}

type Condition = { type: string; status: string; message?: string; lastTransitionTime?: string }
const conditionOf = (claim: Claim, ...types: string[]): Condition | undefined =>
  (claim.status?.['conditions'] as Condition[] | undefined)?.find(({ type, status }) => types.includes(type) && status === 'True')

/** What is still smaller than it was asked for; a pod whose file system waits for its restart is restarted. */
const growing = (pass: Pass, set: Set, claims: readonly Claim[]): Verdict | undefined => {
  const small = claims.filter((claim) => capacityOf(claim) !== undefined && bytes(capacityOf(claim)) < bytes(sizeOf(set)))
  if (small.length === 0) return undefined
  for (const claim of small) {
    const pending = conditionOf(claim, 'FileSystemResizePending')
    const sinceMs = Date.parse(pending?.lastTransitionTime ?? '')
    if (pending && !(pass.environment.wall.nowMs() - sinceMs < RESTART_AFTER_MS)) {
      pass.restarts.set(claim.metadata.name.slice(VOLUME.length + 1), 'the file system of its volume grows when it starts')
    }
  }
  const texts = small.slice(0, 3).map((claim) => {
    const trouble = conditionOf(claim, 'ControllerResizeError', 'NodeResizeError')?.message
    return `${claim.metadata.name} has ${capacityOf(claim)}${trouble ? `: ${trouble}` : ''}`
  })
  return reconciling('VolumesGrowing', `${small.length} volumes grow to ${sizeOf(set)}: ${texts.join(', ')}`)
}

/** Somebody made a volume larger than the spec says: it is served, and never made smaller. */
const larger = (set: Set, claims: readonly Claim[]): Warning[] => {
  const beyond = claims.filter((claim) => bytes(requestOf(claim)) > bytes(sizeOf(set)))
  return beyond.slice(0, 3).map((claim) => ({
    reason: 'VolumeLargerThanSpec',
    message: `the volume ${claim.metadata.name} asks for ${requestOf(claim)}, more than the ${sizeOf(set)} of the spec: say storage.size ${requestOf(claim)}`,
  }))
}
