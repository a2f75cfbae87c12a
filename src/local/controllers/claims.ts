import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { isKubeError } from '../../kube/error.ts'
import type { Key, Result } from '../../kube/types.ts'
import { claims, isOver, isTerminating, persistentVolumes, pods, type Claim, type PersistentVolume } from '../objects.ts'
import { DONE, makeController, watch, type Around, type Controller } from './controller.ts'

/** As Kubernetes: a claim that a pod uses is not removed under it. */
const PROTECTION = 'kubernetes.io/pvc-protection'

const volumeName = (claim: Claim): string => `pvc-${claim.metadata.uid}`

const volumeOf = (claim: Claim, directory: string): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: volumeName(claim), annotations: { 'pv.kubernetes.io/provisioned-by': 'sofakafka.io/local-directory' } },
  spec: {
    capacity: { storage: claim.spec.resources?.requests?.storage ?? '1Gi' },
    accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Delete',
    ...(claim.spec.storageClassName ? { storageClassName: claim.spec.storageClassName } : {}),
    claimRef: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: claim.metadata.namespace ?? '',
      name: claim.metadata.name,
      ...(claim.metadata.uid ? { uid: claim.metadata.uid } : {}),
    },
    local: { path: join(directory, `${claim.metadata.namespace}_${claim.metadata.name}_${claim.metadata.uid?.slice(0, 8)}`) },
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'Exists' }] }] } },
  } as PersistentVolume['spec'],
})

class Claims {
  readonly #around: Around
  readonly #disk: Disk
  readonly #directory: string

  constructor(around: Around, options: { disk: Disk; directory: string }) {
    this.#around = around
    this.#disk = options.disk
    this.#directory = options.directory
  }

  async sync(key: Key): Promise<Result> {
    const claim = await this.#around.kube.get(claims, key)
    if (!claim) return DONE
    if (isTerminating(claim)) return this.#release(claim)
    const storage = claim.spec.resources?.requests?.storage
    if (claim.status?.phase === 'Bound' && claim.status.capacity?.storage === storage) return DONE
    return this.#bind(claim)
  }

  /** Removes a volume whose claim is gone. */
  async reclaim(name: string): Promise<Result> {
    const { kube } = this.#around
    const volume = await kube.get(persistentVolumes, { namespace: '', name })
    const ref = volume?.spec.claimRef
    if (!volume || !ref || volume.spec.persistentVolumeReclaimPolicy !== 'Delete') return DONE
    const claim = await kube.get(claims, { namespace: ref.namespace, name: ref.name })
    if (claim && claim.metadata.uid === ref.uid) return DONE
    const path = volume.spec.local?.path
    // Nothing but directories that this controller made is ever removed.
    if (path?.startsWith(`${this.#directory}/`)) this.#disk.removeDirectory(path)
    await kube.delete(persistentVolumes, { namespace: '', name })
    return DONE
  }

  async #bind(claim: Claim): Promise<Result> {
    const { kube } = this.#around
    const key = { namespace: claim.metadata.namespace ?? '', name: claim.metadata.name }
    const volume = volumeOf(claim, this.#directory)
    this.#disk.makeDirectory(volume.spec.local!.path)
    const made = await kube.create(persistentVolumes, volume).catch((error: unknown) => {
      if (!isKubeError(error, 409)) throw error
      return volume
    })
    const finalizers = [...new Set([...(claim.metadata.finalizers ?? []), PROTECTION])]
    const spec = { volumeName: claim.spec.volumeName ?? made.metadata.name }
    const isChanged = claim.spec.volumeName === undefined || finalizers.length !== claim.metadata.finalizers?.length
    const bound = isChanged ? await kube.patch(claims, key, 'merge', { metadata: { finalizers }, spec }) : claim
    const capacity = { storage: claim.spec.resources?.requests?.storage ?? '1Gi' }
    await kube.patchStatus(claims, bound, { phase: 'Bound', accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'], capacity })
    await kube.patchStatus(persistentVolumes, made, { phase: 'Bound' })
    return DONE
  }

  async #release(claim: Claim): Promise<Result> {
    const { kube } = this.#around
    const { name, namespace = '', finalizers = [] } = claim.metadata
    if (!finalizers.includes(PROTECTION)) return DONE
    const { items } = await kube.list(pods, { namespace })
    const users = items.filter(
      (pod) => !isOver(pod) && pod.spec.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === name),
    )
    if (users.length > 0) return { requeueAfterMs: 1_000 }
    const kept = finalizers.filter((finalizer) => finalizer !== PROTECTION)
    await kube.patch(claims, { namespace, name }, 'merge', { metadata: { finalizers: kept.length > 0 ? kept : null } })
    return DONE
  }
}

/** Binds each claim to a directory of its own under `directory`, and removes it when the claim goes. */
export const claimControllers = (around: Around, options: { disk: Disk; directory: string }): Controller[] => {
  const all = new Claims(around, options)
  const ofClaim = (claim: Claim): Key[] => (claim.spec.volumeName ? [{ namespace: '', name: claim.spec.volumeName }] : [])
  return [
    makeController(around, { name: 'claim', watches: [watch(claims)], work: (key) => all.sync(key) }),
    makeController(around, {
      name: 'volume',
      watches: [watch(persistentVolumes), watch(claims, ofClaim)],
      work: ({ name }) => all.reclaim(name),
    }),
  ]
}
