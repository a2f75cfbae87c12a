import { timestamp } from '../../../kube/time.ts'
import { asArray, asObject, asString, at, clone, type JsonObject, type KubeObject } from '../json.ts'
import { badRequest, conflict, StatusError } from '../status.ts'
import type { Call, Server } from './context.ts'
import { deleteOptions, remove } from './delete.ts'
import { existing } from './write.ts'

const SUCCESS: JsonObject = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }

/** pods/NAME/binding: what a scheduler does. */
export const bind = (server: Server, call: Call, body: JsonObject): JsonObject => {
  const pod = existing(server, call)
  const node = asString(at(body, 'target', 'name'))
  if (!node) throw badRequest('target.name must name the node')
  if (at(pod, 'spec', 'nodeName')) {
    throw conflict(
      { ...call.resource, plural: 'pods/binding' },
      call.name,
      `pod ${call.name} is already assigned to node ${JSON.stringify(at(pod, 'spec', 'nodeName'))}`,
    )
  }
  const next = clone(pod)
  next['spec'] = { ...asObject(next['spec']), nodeName: node }
  const now = timestamp(server.wall.nowMs())
  const conditions = asArray(at(next, 'status', 'conditions')).filter((one) => asObject(one)['type'] !== 'PodScheduled')
  const scheduled = { lastProbeTime: null, lastTransitionTime: now, status: 'True', type: 'PodScheduled' }
  next['status'] = { ...asObject(next['status']), conditions: [...conditions, scheduled] }
  server.store.put(call.resource.storageKey, next)
  return SUCCESS
}

const selects = (budget: KubeObject, pod: KubeObject): boolean => {
  const wanted = Object.entries(asObject(at(budget, 'spec', 'selector', 'matchLabels')))
  return wanted.every(([key, value]) => pod.metadata.labels?.[key] === value)
}

/** pods/NAME/eviction: a deletion that a PodDisruptionBudget may refuse. */
export const evict = (server: Server, call: Call, body: JsonObject): JsonObject => {
  const pod = existing(server, call)
  const budgets = server.store.list('policy/poddisruptionbudgets', call.namespace).filter((one) => selects(one, pod))
  for (const budget of budgets) {
    const allowed = at(budget, 'status', 'disruptionsAllowed')
    const { name } = budget.metadata
    if (typeof allowed === 'number' && allowed > 0) {
      const next = clone(budget)
      next['status'] = { ...asObject(next['status']), disruptionsAllowed: allowed - 1 }
      if (!call.dryRun) server.store.put('policy/poddisruptionbudgets', next)
      continue
    }
    const healthy = `The disruption budget ${name} needs ${Number(at(budget, 'status', 'desiredHealthy') ?? 0)} healthy pods and has ${Number(at(budget, 'status', 'currentHealthy') ?? 0)} currently`
    throw new StatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes: [{ reason: 'DisruptionBudget', message: healthy }],
    })
  }
  remove(server, call, deleteOptions(asObject(body['deleteOptions']), new URLSearchParams()))
  return SUCCESS
}

/** namespaces/NAME/finalize: sets spec.finalizers, and lets go of a deleted namespace that has none left. */
export const finalize = (server: Server, call: Call, body: JsonObject): KubeObject => {
  const old = existing(server, call)
  const version = asString(at(body, 'metadata', 'resourceVersion'))
  if (version && version !== old.metadata.resourceVersion)
    throw conflict(call.resource, call.name, 'the object has been modified; please apply your changes to the latest version and try again')
  const next = clone(old)
  const finalizers = asArray(at(body, 'spec', 'finalizers')).map(asString)
  next['spec'] = finalizers.length > 0 ? { finalizers } : {}
  const isGone = next.metadata.deletionTimestamp && finalizers.length === 0 && asArray(next.metadata.finalizers).length === 0
  if (isGone) return server.store.delete(call.resource.storageKey, call.name, next) ?? next
  return server.store.put(call.resource.storageKey, next)
}
