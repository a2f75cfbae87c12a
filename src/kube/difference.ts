import { createHash } from 'node:crypto'

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0)

/** JSON with sorted keys: equal for equal values, whatever the order of their keys. What is undefined is as null. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value ?? null, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )

export const hashOf = (value: unknown, length = 16): string => createHash('sha256').update(canonical(value)).digest('hex').slice(0, length)

const SUFFIXES: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}
/** A Kubernetes quantity (500m, 10Gi, 2) as a number; undefined when it is none. */
export const quantity = (text: unknown): number | undefined => {
  const [, digits, suffix = ''] = /^([+-]?\d+(?:\.\d+)?)([a-zA-Z]{0,2})$/.exec(String(text)) ?? []
  const factor = SUFFIXES[suffix]
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

const scalarsEqual = (live: unknown, wanted: unknown): boolean => {
  if (live === wanted || String(live) === String(wanted)) return true
  const wantedQuantity = quantity(wanted)
  return wantedQuantity !== undefined && quantity(live) === wantedQuantity
}

/** Whether `live` has everything that `wanted` names; what the server added (defaults, status) is left out. Lists must have the same length and order. */
export const covers = (live: unknown, wanted: unknown): boolean => {
  if (isEmpty(wanted)) return isEmpty(live) || isObject(wanted)
  if (Array.isArray(wanted)) return Array.isArray(live) && live.length === wanted.length && wanted.every((item, i) => covers(live[i], item))
  if (isObject(wanted)) return isObject(live) && Object.entries(wanted).every(([key, value]) => covers(live[key], value))
  return scalarsEqual(live, wanted)
}

/** The JSON merge patch (RFC 7386) that makes `to` of `from`; undefined when they are equal. Lists are replaced as a whole. */
export const mergePatchOf = (from: unknown, to: unknown): unknown => {
  if (!isObject(from) || !isObject(to)) return canonical(from) === canonical(to) ? undefined : to
  const patch: Json = {}
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (to[key] === undefined) {
      if (from[key] !== undefined) patch[key] = null
      continue
    }
    const inner = mergePatchOf(from[key], to[key])
    if (inner !== undefined) patch[key] = inner
  }
  return Object.keys(patch).length > 0 ? patch : undefined
}
