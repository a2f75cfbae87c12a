import { equal, isObject, type Json, type JsonObject } from '../json.ts'
import type { FieldError } from '../status.ts'
import { canonical } from '../../../kube/difference.ts'
import { fieldSchema, listType, type Schema } from './schema.ts'

const DURATION = /^-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$|^0$/
const FORMATS: Record<string, (text: string) => boolean> = {
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  'date-time': (text) => /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  byte: (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  ipv4: (text) => /^(\d{1,3}\.){3}\d{1,3}$/.test(text),
  duration: (text) => DURATION.test(text),
}

const typeOf = (value: Json): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

const hasType = (value: Json, schema: Schema): boolean => {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value)
  if (schema.type === undefined) return true
  const actual = typeOf(value)
  return actual === schema.type || (schema.type === 'number' && actual === 'integer')
}

const shown = (value: Json): string => JSON.stringify(typeof value === 'object' && value !== null ? typeOf(value) : value)
const bad = (field: string, value: Json, words: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${shown(value)}: ${field} in body ${words}`,
})

/** Checks a value against a structural schema; paths and words are those of the Kubernetes API. */
export const validateSchema = (value: Json, schema: Schema, path: string): FieldError[] => {
  if (value === null && schema.nullable) return []
  if (!hasType(value, schema)) {
    const wanted = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type!
    return [
      {
        reason: 'FieldValueTypeInvalid',
        field: path || '<nil>',
        message: `Invalid value: ${JSON.stringify(typeOf(value))}: ${path} in body must be of type ${wanted}: ${JSON.stringify(typeOf(value))}`,
      },
    ]
  }
  const errors = [...scalarErrors(value, schema, path), ...combinatorErrors(value, schema, path)]
  if (Array.isArray(value)) errors.push(...listErrors(value, schema, path))
  else if (isObject(value)) errors.push(...objectErrors(value, schema, path))
  return errors
}

const scalarErrors = (value: Json, schema: Schema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (schema.enum && !schema.enum.some((one) => equal(one, value))) {
    const supported = schema.enum.map((one) => JSON.stringify(one)).join(', ')
    errors.push({
      reason: 'FieldValueNotSupported',
      field: path,
      message: `Unsupported value: ${shown(value)}: supported values: ${supported}`,
    })
  }
  if (typeof value === 'string') errors.push(...stringErrors(value, schema, path))
  if (typeof value === 'number') errors.push(...numberErrors(value, schema, path))
  return errors
}

const stringErrors = (value: string, schema: Schema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const length = Array.from(value).length
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    errors.push({ reason: 'FieldValueTooLong', field: path, message: `Too long: may not be more than ${schema.maxLength} bytes` })
  }
  if (schema.minLength !== undefined && length < schema.minLength)
    errors.push(bad(path, value, `should be at least ${schema.minLength} chars long`))
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
    errors.push(bad(path, value, `should match '${schema.pattern}'`))
  if (schema.format && FORMATS[schema.format] && !FORMATS[schema.format]!(value)) {
    errors.push(bad(path, value, `must be of type ${schema.format}: ${JSON.stringify(value)}`))
  }
  return errors
}

const numberErrors = (value: number, schema: Schema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const { minimum, maximum, multipleOf } = schema
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum)) {
    errors.push(bad(path, value, `should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`))
  }
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum)) {
    errors.push(bad(path, value, `should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`))
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) errors.push(bad(path, value, `should be a multiple of ${multipleOf}`))
  return errors
}

const tooMany = (path: string, count: number, limit: number): FieldError => ({
  reason: 'FieldValueTooMany',
  field: path,
  message: `Too many: ${count}: must have at most ${limit} items`,
})

const listErrors = (value: Json[], schema: Schema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (schema.maxItems !== undefined && value.length > schema.maxItems) errors.push(tooMany(path, value.length, schema.maxItems))
  if (schema.minItems !== undefined && value.length < schema.minItems)
    errors.push(bad(path, value, `should have at least ${schema.minItems} items`))
  const seen = new Set<string>()
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  value.forEach((item, i) => {
    if (schema.items) errors.push(...validateSchema(item, schema.items, `${path}[${i}]`))
    if (listType(schema) === 'atomic' && !schema.uniqueItems) return
    const key = listType(schema) === 'map' && isObject(item) ? Object.fromEntries(keys.map((name) => [name, item[name]])) : item
    const text = canonical(key)
    if (seen.has(text)) {
      errors.push({
        reason: 'FieldValueDuplicate',
        field: `${path}[${i}]`,
        message: `Duplicate value: ${isObject(key) ? `map[string]interface {}${text.replaceAll('","', '", "')}` : shown(key)}`,
      })
    }
    seen.add(text)
  })
  return errors
}

const objectErrors = (value: JsonObject, schema: Schema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const names = Object.keys(value).filter((name) => value[name] !== undefined)
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties)
    errors.push(tooMany(path, names.length, schema.maxProperties))
  if (schema.minProperties !== undefined && names.length < schema.minProperties) {
    errors.push(bad(path, value, `should have at least ${schema.minProperties} properties`))
  }
  for (const name of schema.required ?? []) {
    if (value[name] === undefined)
      errors.push({ reason: 'FieldValueRequired', field: path ? `${path}.${name}` : name, message: 'Required value' })
  }
  for (const name of names) {
    const child = fieldSchema(schema, name)
    if (child) errors.push(...validateSchema(value[name]!, child, path ? `${path}.${name}` : name))
  }
  return errors
}

const combinatorErrors = (value: Json, schema: Schema, path: string): FieldError[] => {
  const passes = (one: Schema): boolean => validateSchema(value, one, path).length === 0
  const errors: FieldError[] = (schema.allOf ?? []).flatMap((one) => validateSchema(value, one, path))
  if (schema.anyOf && !schema.anyOf.some(passes)) errors.push(bad(path, value, 'must validate at least one schema (anyOf)'))
  if (schema.oneOf && schema.oneOf.filter(passes).length !== 1)
    errors.push(bad(path, value, 'must validate one and only one schema (oneOf)'))
  if (schema.not && passes(schema.not)) errors.push(bad(path, value, 'must not validate the schema (not)'))
  return errors
}
