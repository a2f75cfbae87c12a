import { asObject, asString, at, clone, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts'
import { jsonPatch, mergePatch } from '../patch/json-patch.ts'
import { selectorText } from '../table/builtin.ts'
import { badRequest, conflict, invalid, MODIFIED, notServed } from '../status.ts'
import type { Call, ObjectReply, Server } from './context.ts'
import { existing, replace } from './write.ts'
import type { PatchCall } from './patch.ts'

const pathOf = (text: string): string[] => text.replace(/^\./, '').split('.')
const count = (value: Json | undefined): number => (typeof value === 'number' ? value : 0)

type Paths = { spec: string[]; status: string[]; selector: string }
const pathsOf = (call: Call, object: KubeObject): Paths => {
  const scale = call.resource.custom?.scale
  if (!scale) {
    const selector = selectorText(at(object, 'spec', 'selector'))
    return { spec: ['spec', 'replicas'], status: ['status', 'replicas'], selector: selector === '<none>' ? '' : selector }
  }
  const selector = scale.labelSelectorPath ? asString(at(object, ...pathOf(scale.labelSelectorPath))) : ''
  return { spec: pathOf(scale.specReplicasPath), status: pathOf(scale.statusReplicasPath), selector }
}

/** The Scale of an object (autoscaling/v1). */
const scaleOf = (call: Call, object: KubeObject): KubeObject => {
  const paths = pathsOf(call, object)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = count(at(object, ...paths.spec))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status: { replicas: count(at(object, ...paths.status)), ...(paths.selector ? { selector: paths.selector } : {}) },
  }
}

export const getScale = (server: Server, call: Call): ObjectReply => ({ code: 200, object: scaleOf(call, existing(server, call)) })

/** PUT of a Scale: changes the replicas of the object behind it. */
export const updateScale = (server: Server, call: Call, body: JsonObject): ObjectReply => {
  const old = existing(server, call)
  if (body['kind'] !== 'Scale') throw badRequest('the body must be a Scale of autoscaling/v1')
  const version = asString(at(body, 'metadata', 'resourceVersion'))
  if (version && version !== old.metadata.resourceVersion) throw conflict(call.resource, call.name, MODIFIED)
  const replicas = at(body, 'spec', 'replicas') ?? 0
  if (typeof replicas !== 'number' || replicas < 0) {
    const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`
    throw invalid(call.resource, call.name, [{ reason: 'FieldValueInvalid', field: 'spec.replicas', message }])
  }
  const next = clone(old)
  const path = pathsOf(call, old).spec
  let here: JsonObject = next
  for (const key of path.slice(0, -1)) here = (isObject(here[key]) ? here[key] : (here[key] = {})) as JsonObject
  here[path.at(-1)!] = replicas
  return { code: 200, object: scaleOf(call, replace(server, call, next).object) }
}

export const patchScale = (server: Server, call: PatchCall, body: Json): ObjectReply => {
  if (call.patchType === 'application/apply-patch+yaml') throw notServed('server-side apply of the scale subresource')
  const scale = scaleOf(call, existing(server, call))
  const result = call.patchType === 'application/json-patch+json' ? jsonPatch(scale, body) : mergePatch(scale, body)
  return updateScale(server, call, asObject(result))
}
