import type { Json } from '../json.ts'

/** OpenAPI v3 as Kubernetes writes it: a structural schema of a CRD, or the description of a built-in kind with its $refs resolved (such graphs may be cyclic). */
export type Schema = {
  type?: string
  format?: string
  description?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  required?: string[]
  default?: Json
  nullable?: boolean
  enum?: Json[]
  pattern?: string
  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  multipleOf?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  minProperties?: number
  maxProperties?: number
  allOf?: Schema[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  not?: Schema
  $ref?: string
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-map-type'?: 'atomic' | 'granular'
  'x-kubernetes-patch-strategy'?: string
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-validations'?: Rule[]
}
/** A CEL rule. */
export type Rule = {
  rule: string
  message?: string
  messageExpression?: string
  reason?: string
  fieldPath?: string
  optionalOldSelf?: boolean
}

/** The schema of a map's or struct's entry; undefined where nothing is known about it. */
export const fieldSchema = (schema: Schema | undefined, name: string): Schema | undefined => {
  const own = schema?.properties
  if (own && Object.hasOwn(own, name)) return own[name]
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** True for a struct's own field, false for a key of a map. */
export const isStructField = (schema: Schema | undefined, name: string): boolean => Object.hasOwn(schema?.properties ?? {}, name)

export const isAtomicMap = (schema: Schema | undefined): boolean =>
  schema?.['x-kubernetes-map-type'] === 'atomic' || (schema?.type !== undefined && schema.type !== 'object')

/** How apply merges a list; a list that says nothing is replaced whole. */
export const listType = (schema: Schema | undefined): 'atomic' | 'set' | 'map' => schema?.['x-kubernetes-list-type'] ?? 'atomic'
