import { canonical } from '../../kube/difference.ts'
import { isKubeError } from '../../kube/error.ts'
import { ownerReference } from '../../kube/resources.ts'
import type { Key, Kube, Result } from '../../kube/types.ts'
import {
  claims,
  controllerOf,
  controllerRevisions,
  isTerminating,
  matchesLabels,
  pods,
  statefulSets,
  type Claim,
  type ControllerRevision,
  type Pod,
  type PodTemplate,
  type StatefulSet,
} from '../objects.ts'
import { DONE, makeController, ownerOf, watch, type Around, type Controller } from './controller.ts'
import { shortHash } from './hash.ts'
import { ordinalOf, planStatefulSet, REVISION_LABEL, statefulSetStatus, type Revisions } from './statefulset-plan.ts'

const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name'
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index'
const DEFAULT_HISTORY = 10

const ignore =
  (...statuses: number[]) =>
  (error: unknown): void => {
    if (!isKubeError(error, ...statuses)) throw error
  }

const claimName = (template: string, pod: string): string => `${template}-${pod}`

/** A pod of the set: stable name, host name and claims. */
export const podOf = (set: StatefulSet, template: PodTemplate, ordinal: number, revision: string): Pod => {
  const name = `${set.metadata.name}-${ordinal}`
  const templates = set.spec.volumeClaimTemplates ?? []
  const own = new Set(templates.map((each) => each.metadata.name))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: set.metadata.namespace ?? '',
      labels: { ...template.metadata?.labels, [POD_NAME_LABEL]: name, [POD_INDEX_LABEL]: String(ordinal), [REVISION_LABEL]: revision },
      ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
      ownerReferences: [ownerReference(set)],
    },
    spec: {
      ...template.spec,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      volumes: [
        ...(template.spec.volumes ?? []).filter((volume) => !own.has(volume.name)),
        ...templates.map((each) => ({
          name: each.metadata.name,
          persistentVolumeClaim: { claimName: claimName(each.metadata.name, name) },
        })),
      ],
    },
  }
}

export const claimsOf = (set: StatefulSet, podName: string): Claim[] =>
  (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claimName(metadata.name, podName),
      namespace: set.metadata.namespace ?? '',
      labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
      ...(set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete' ? { ownerReferences: [ownerReference(set)] } : {}),
    },
    spec,
  }))

const templateOf = (revision: ControllerRevision): PodTemplate => (revision.data as { spec: { template: PodTemplate } }).spec.template

/** Keeps pods, claims and revisions of StatefulSets as Kubernetes' own controller does. */
class StatefulSets {
  readonly #kube: Kube

  constructor(kube: Kube) {
    this.#kube = kube
  }

  async sync(key: Key): Promise<Result> {
    const set = await this.#kube.get(statefulSets, key)
    if (!set) return DONE
    const members = await this.#members(set)
    const history = await this.#history(set)
    const update = isTerminating(set) ? history.at(-1) : await this.#updateRevision(set, history)
    if (!update) return DONE
    const known = history.find(({ metadata }) => metadata.name === set.status?.currentRevision)
    const revisions: Revisions = { current: (known ?? update).metadata.name, update: update.metadata.name }
    const plan = planStatefulSet(set, members, revisions)
    await Promise.all(
      plan.create.map(({ ordinal, revision }) => this.#create(set, ordinal, revision === revisions.current && known ? known : update)),
    )
    await Promise.all(plan.delete.map((pod) => this.#delete(set, pod)))
    const after = plan.create.length + plan.delete.length > 0 ? await this.#members(set) : members
    await this.#kube.patchStatus(statefulSets, set, statefulSetStatus(set, after, revisions))
    await this.#trim(set, history, after, revisions)
    return DONE
  }

  async #members(set: StatefulSet): Promise<Pod[]> {
    const { items } = await this.#kube.list(pods, { namespace: set.metadata.namespace ?? '' })
    const ours = items.filter((pod) => ordinalOf(set, pod) !== undefined)
    const orphans = isTerminating(set) ? [] : ours.filter((pod) => isOrphanOf(set, pod))
    const adopted = await Promise.all(orphans.map((pod) => this.#adopt(set, pod)))
    return [...ours.filter((pod) => controllerOf(pod)?.uid === set.metadata.uid), ...adopted.flatMap((pod) => pod ?? [])]
  }

  /** Pods that an earlier set of this name left behind (deleted with Orphan) belong to this one, and so do their claims where they are to go with it. */
  async #adopt(set: StatefulSet, pod: Pod): Promise<Pod | undefined> {
    const ownerReferences = [ownerReference(set)]
    if (set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete') {
      for (const claim of claimsOf(set, pod.metadata.name))
        await this.#kube.patch(claims, keyIn(set, claim.metadata.name), 'merge', { metadata: { ownerReferences } }).catch(ignore(404))
    }
    const { uid } = pod.metadata
    const adopt = this.#kube.patch(pods, keyIn(set, pod.metadata.name), 'merge', { metadata: { ...(uid ? { uid } : {}), ownerReferences } })
    return adopt.catch((error: unknown) => {
      ignore(404, 409)(error)
      return undefined
    })
  }

  /** Oldest first. */
  async #history(set: StatefulSet): Promise<ControllerRevision[]> {
    const { items } = await this.#kube.list(controllerRevisions, { namespace: set.metadata.namespace ?? '' })
    return items.filter((revision) => controllerOf(revision)?.uid === set.metadata.uid).sort((a, b) => a.revision - b.revision)
  }

  /** The revision of the present template; one that was there before gets the highest number again. */
  async #updateRevision(set: StatefulSet, history: ControllerRevision[]): Promise<ControllerRevision> {
    const { template } = set.spec
    const last = history.at(-1)
    const number = (last?.revision ?? 0) + 1
    const same = history.find((revision) => canonical(templateOf(revision)) === canonical(template))
    if (same === last && same) return same
    if (same) return this.#kube.patch(controllerRevisions, keyIn(set, same.metadata.name), 'merge', { revision: number })
    const name = `${set.metadata.name}-${shortHash(template)}`
    const revision: ControllerRevision = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name,
        namespace: set.metadata.namespace ?? '',
        labels: { ...template.metadata?.labels, [REVISION_LABEL]: name },
        ownerReferences: [ownerReference(set)],
      },
      data: { spec: { template } },
      revision: number,
    }
    const made = await this.#kube.create(controllerRevisions, revision)
    history.push(made)
    return made
  }

  async #create(set: StatefulSet, ordinal: number, revision: ControllerRevision): Promise<void> {
    const pod = podOf(set, templateOf(revision), ordinal, revision.metadata.name)
    await Promise.all(claimsOf(set, pod.metadata.name).map((claim) => this.#kube.create(claims, claim).catch(ignore(409))))
    await this.#kube.create(pods, pod).catch(ignore(409))
  }

  async #delete(set: StatefulSet, pod: Pod): Promise<void> {
    const isScaledDown = ordinalIsBeyond(set, pod)
    if (isScaledDown && set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete') await this.#giveClaimsTo(set, pod)
    const preconditions = pod.metadata.uid ? { uid: pod.metadata.uid } : {}
    await this.#kube.delete(pods, keyIn(set, pod.metadata.name), { preconditions }).catch(ignore(409))
  }

  /** The claims then go with the pod. */
  async #giveClaimsTo(set: StatefulSet, pod: Pod): Promise<void> {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid }]
    for (const claim of claimsOf(set, pod.metadata.name)) {
      await this.#kube.patch(claims, keyIn(set, claim.metadata.name), 'merge', { metadata: { ownerReferences } }).catch(ignore(404))
    }
  }

  /** Revisions that no pod has any more, beyond the history limit. */
  async #trim(set: StatefulSet, history: ControllerRevision[], members: Pod[], { current, update }: Revisions): Promise<void> {
    const live = new Set([current, update, ...members.map((pod) => pod.metadata.labels?.[REVISION_LABEL])])
    const unused = history.filter(({ metadata }) => !live.has(metadata.name))
    const excess = unused.length - (set.spec.revisionHistoryLimit ?? DEFAULT_HISTORY)
    for (const revision of unused.slice(0, Math.max(0, excess)))
      await this.#kube.delete(controllerRevisions, keyIn(set, revision.metadata.name))
  }
}

const isOrphanOf = (set: StatefulSet, pod: Pod): boolean =>
  !isTerminating(pod) && controllerOf(pod) === undefined && matchesLabels(set.spec.selector, pod.metadata.labels)

const keyIn = (set: StatefulSet, name: string): Key => ({ namespace: set.metadata.namespace ?? '', name })

const ordinalIsBeyond = (set: StatefulSet, pod: Pod): boolean => {
  const start = set.spec.ordinals?.start ?? 0
  const ordinal = ordinalOf(set, pod) ?? -1
  return ordinal < start || ordinal >= start + (set.spec.replicas ?? 1)
}

export const statefulSetController = (around: Around): Controller => {
  const sets = new StatefulSets(around.kube)
  return makeController(around, {
    name: 'statefulset',
    watches: [watch(statefulSets), watch(pods, ownerOf('StatefulSet'))],
    work: (key) => sets.sync(key),
  })
}
