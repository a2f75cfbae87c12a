import { hasCondition } from '../../kube/conditions.ts'
import { isKubeError } from '../../kube/error.ts'
import type { Key, Kube, Result } from '../../kube/types.ts'
import { isTerminating, nodes, pods, type Node } from '../objects.ts'
import { DONE, makeController, watch, type Around, type Controller } from './controller.ts'

const isReadyNode = (node: Node): boolean => !node.spec?.unschedulable && hasCondition(node, 'Ready')

const sync = async (kube: Kube, nodeList: () => Node[], key: Key): Promise<Result> => {
  const pod = await kube.get(pods, key)
  if (!pod || pod.spec.nodeName || isTerminating(pod)) return DONE
  const node = nodeList().find(isReadyNode)
  if (!node) return { requeueAfterMs: 200 }
  const target = { apiVersion: 'v1', kind: 'Node', name: node.metadata.name }
  try {
    await kube.raw('POST', `/api/v1/namespaces/${key.namespace}/pods/${key.name}/binding`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: key.name, namespace: key.namespace },
      target,
    })
  } catch (error) {
    if (!isKubeError(error, 404, 409)) throw error
  }
  return DONE
}

/** Binds each pod to the one node there is. It is in every zone and has every label: selectors and affinity of pods are not looked at. */
export const schedulerController = (around: Around): Controller => {
  const cache = around.informers.of(nodes)
  return makeController(around, { name: 'scheduler', watches: [watch(pods)], work: (key) => sync(around.kube, () => cache.list(), key) })
}
