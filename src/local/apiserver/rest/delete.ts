import { timestamp } from '../../../kube/time.ts'
import { asArray, asObject, asString, at, clone, type JsonObject, type KubeObject } from '../json.ts'
import { toStored } from '../resources.ts'
import { conflict } from '../status.ts'
import { keyOf } from '../store/store.ts'
import type { Call, ObjectReply, Server } from './context.ts'
import { isRemovable } from './removal.ts'
import { existing, putStored } from './write.ts'

const DEFAULT_POD_GRACE_SECONDS = 30

export type DeleteOptions = { gracePeriodSeconds?: number; uid?: string; resourceVersion?: string; propagationPolicy?: string }

/** From a DeleteOptions body and the query; the body wins. */
export const deleteOptions = (body: JsonObject, query: URLSearchParams): DeleteOptions => {
  const grace = body['gracePeriodSeconds'] ?? (query.has('gracePeriodSeconds') ? Number(query.get('gracePeriodSeconds')) : undefined)
  const orphan = body['orphanDependents'] === true || query.get('orphanDependents') === 'true'
  const policy = asString(body['propagationPolicy']) || query.get('propagationPolicy') || (orphan ? 'Orphan' : '')
  const preconditions = asObject(body['preconditions'])
  return {
    ...(typeof grace === 'number' ? { gracePeriodSeconds: Math.max(0, grace) } : {}),
    ...(preconditions['uid'] ? { uid: asString(preconditions['uid']) } : {}),
    ...(preconditions['resourceVersion'] ? { resourceVersion: asString(preconditions['resourceVersion']) } : {}),
    ...(policy ? { propagationPolicy: policy } : {}),
  }
}

const check = (call: Call, old: KubeObject, options: DeleteOptions): void => {
  const { uid, resourceVersion } = options
  const of = { ...call.resource, plural: call.resource.kind }
  if (uid && uid !== old.metadata.uid) {
    const words = `the UID in the precondition (${uid}) does not match the UID in record (${old.metadata.uid}). The object might have been deleted and then recreated`
    throw conflict(of, call.name, words)
  }
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) {
    const record = `the ResourceVersion in record (${old.metadata.resourceVersion})`
    throw conflict(
      of,
      call.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match ${record}. The object might have been modified`,
    )
  }
}

/** A pod that no kubelet runs, or that has ended, needs no grace. */
const graceSeconds = (old: KubeObject, asked: number | undefined): number => {
  if (old.kind !== 'Pod') return 0
  const phase = asString(at(old, 'status', 'phase'))
  if (!at(old, 'spec', 'nodeName') || phase === 'Succeeded' || phase === 'Failed') return 0
  const own = at(old, 'spec', 'terminationGracePeriodSeconds')
  return asked ?? (typeof own === 'number' ? own : DEFAULT_POD_GRACE_SECONDS)
}

const POLICY_FINALIZERS: Record<string, string> = { Foreground: 'foregroundDeletion', Orphan: 'orphan' }

const finalizersAfter = (old: KubeObject, policy: string | undefined): string[] => {
  const present = asArray(old.metadata.finalizers).map(asString)
  if (!policy) return present
  const own = POLICY_FINALIZERS[policy]
  const others = present.filter((one) => !Object.values(POLICY_FINALIZERS).includes(one))
  return own ? [...others, own] : others
}

const marked = (server: Server, old: KubeObject, options: DeleteOptions): KubeObject => {
  const next = clone(old)
  const { metadata } = next
  const grace = graceSeconds(old, options.gracePeriodSeconds)
  const isFirst = metadata.deletionTimestamp === undefined
  if (isFirst || grace < (metadata.deletionGracePeriodSeconds ?? 0)) {
    metadata.deletionTimestamp = timestamp(server.wall.nowMs() + grace * 1000)
    metadata.deletionGracePeriodSeconds = grace
  }
  if (isFirst && metadata.generation !== undefined) metadata.generation++
  const finalizers = finalizersAfter(old, options.propagationPolicy)
  if (finalizers.length > 0) metadata.finalizers = finalizers
  else delete metadata['finalizers']
  if (next.kind === 'Namespace') {
    next['status'] = { ...asObject(next['status']), phase: 'Terminating' }
    delete metadata['deletionGracePeriodSeconds']
  }
  return next
}

/** Removes an object, or marks it deleted while a finalizer or a grace period holds it. */
export const remove = (server: Server, call: Call, options: DeleteOptions): ObjectReply & { isGone: boolean } => {
  const { resource } = call
  const old = existing(server, call)
  check(call, old, options)
  const next = marked(server, old, options)
  const key = keyOf(old.metadata.namespace, old.metadata.name)
  const isWaiting = !isRemovable(next)
  if (call.dryRun) return { code: 200, object: next, isGone: !isWaiting }
  if (!isWaiting)
    return { code: 200, object: server.store.delete(resource.storageKey, key, toStored(next, resource)) ?? next, isGone: true }
  const isSame = JSON.stringify(next) === JSON.stringify(old)
  return { code: 200, object: isSame ? old : putStored(server, resource, next), isGone: false }
}
