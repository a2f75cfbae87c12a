import { isKubeError } from '../../kube/error.ts'
import { ownerReference } from '../../kube/resources.ts'
import type { Key, Kube, Result } from '../../kube/types.ts'
import { controllerOf, isOver, isReady, isTerminating, pods, replicaSets, type Pod, type ReplicaSet } from '../objects.ts'
import { DONE, makeController, ownerOf, watch, type Around, type Controller } from './controller.ts'

const byUsefulness = (a: Pod, b: Pod): number => Number(isReady(a)) - Number(isReady(b))

const podOf = (set: ReplicaSet): Pod => {
  const { metadata = {}, spec } = set.spec.template
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      // The server makes the name from generateName.
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace ?? '',
      ...(metadata.labels ? { labels: metadata.labels } : {}),
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
      ownerReferences: [ownerReference(set)],
    } as Pod['metadata'],
    spec,
  }
}

const sync = async (kube: Kube, key: Key): Promise<Result> => {
  const set = await kube.get(replicaSets, key)
  if (!set) return DONE
  // Read from the server, not from a cache: a pod that was made a moment ago must be counted.
  const { items } = await kube.list(pods, { namespace: key.namespace })
  const own = items.filter((pod) => controllerOf(pod)?.uid === set.metadata.uid && !isOver(pod) && !isTerminating(pod))
  const excess = own.length - (set.spec.replicas ?? 1)
  if (!isTerminating(set)) {
    const made = await Promise.all(Array.from({ length: Math.max(0, -excess) }, () => kube.create(pods, podOf(set))))
    const removed = own.sort(byUsefulness).slice(0, Math.max(0, excess))
    await Promise.all(removed.map((pod) => kube.delete(pods, { namespace: key.namespace, name: pod.metadata.name })))
    own.splice(0, removed.length)
    own.push(...made)
  }
  const ready = own.filter(isReady).length
  await kube
    .patchStatus(replicaSets, set, {
      observedGeneration: set.metadata.generation ?? 0,
      replicas: own.length,
      fullyLabeledReplicas: own.length,
      readyReplicas: ready,
      availableReplicas: ready,
    })
    .catch((error: unknown) => {
      if (!isKubeError(error, 404)) throw error
    })
  return DONE
}

export const replicaSetController = (around: Around): Controller =>
  makeController(around, {
    name: 'replicaset',
    watches: [watch(replicaSets), watch(pods, ownerOf('ReplicaSet'))],
    work: (key) => sync(around.kube, key),
  })
