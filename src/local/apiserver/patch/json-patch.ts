import { asString, clone, equal, isObject, type Json } from '../json.ts'
import { badRequest, StatusError } from '../status.ts'

type Container = { [key: string]: Json | undefined } | Json[]
const MAX_OPERATIONS = 10_000

const pointer = (path: string): string[] => {
  if (path === '') return []
  if (!path.startsWith('/')) throw badRequest(`the path ${JSON.stringify(path)} of a JSON patch must begin with /`)
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))
}

/** The real server tells no more than this. */
const unprocessable = (): StatusError =>
  new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {})

const index = (list: Json[], key: string, forAdd: boolean): number => {
  if (key === '-' && forAdd) return list.length
  const at = Number(key)
  if (!/^(0|[1-9]\d*)$/.test(key) || at > list.length - (forAdd ? 0 : 1)) throw unprocessable()
  return at
}

const step = (here: Json | undefined, key: string): Json | undefined => {
  if (Array.isArray(here)) return here[index(here, key, false)]
  return isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined
}

const parentOf = (root: Json, path: string[]): Container => {
  let here: Json | undefined = root
  for (const key of path.slice(0, -1)) here = step(here, key)
  if (!isObject(here) && !Array.isArray(here)) throw unprocessable()
  return here
}

const take = (root: Json, path: string[]): Json => {
  const parent = parentOf(root, path)
  const key = path.at(-1)!
  const found = step(parent as Json, key)
  if (found === undefined) throw unprocessable()
  if (Array.isArray(parent)) parent.splice(index(parent, key, false), 1)
  else delete parent[key]
  return found
}

const put = (root: Json, path: string[], value: Json): Json => {
  if (path.length === 0) return value
  const parent = parentOf(root, path)
  const key = path.at(-1)!
  if (Array.isArray(parent)) parent.splice(index(parent, key, true), 0, value)
  else parent[key] = value
  return root
}

const replaced = (root: Json, path: string[], value: Json): Json => {
  if (path.length > 0) take(root, path)
  return put(root, path, value)
}

const tested = (root: Json, path: string[], value: Json): Json => {
  if (!equal(path.reduce<Json | undefined>(step, root) ?? null, value)) throw unprocessable()
  return root
}

const apply = (root: Json, operation: Json): Json => {
  if (!isObject(operation)) throw badRequest('a JSON patch is a list of operations')
  const path = pointer(asString(operation['path']))
  const from = pointer(asString(operation['from']))
  const value = clone(operation['value'] ?? null)
  switch (operation['op']) {
    case 'add':
      return put(root, path, value)
    case 'remove':
      take(root, path)
      return root
    case 'replace':
      return replaced(root, path, value)
    case 'move':
      return put(root, path, take(root, from))
    case 'copy':
      return put(root, path, clone(from.reduce<Json | undefined>(step, root) ?? null))
    case 'test':
      return tested(root, path, value)
    default:
      throw badRequest(`Unexpected kind: ${asString(operation['op'])}`)
  }
}

/** RFC 6902, on a copy. */
export const jsonPatch = (target: Json, operations: Json): Json => {
  if (!Array.isArray(operations)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  if (operations.length > MAX_OPERATIONS) {
    throw new StatusError(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`,
    )
  }
  return operations.reduce<Json>(apply, clone(target))
}

/** RFC 7386, on a copy. */
export const mergePatch = (target: Json | undefined, patch: Json): Json => {
  if (!isObject(patch)) return clone(patch)
  const out = isObject(target) ? clone(target) : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete out[key]
    else out[key] = mergePatch(out[key], value)
  }
  return out
}
