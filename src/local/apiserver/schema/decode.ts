import { isObject, type Json } from '../json.ts'
import { fieldSchema, type Schema } from './schema.ts'

const goType = (schema: Schema): string => {
  if (schema.type === 'integer') return schema.format === 'int64' ? 'int64' : 'int32'
  if (schema.type === 'boolean') return 'bool'
  if (schema.type === 'number') return 'float64'
  return schema.type ?? ''
}

const kindOf = (value: Json): string => {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value
}

const fits = (value: Json, schema: Schema): boolean => {
  switch (schema.type) {
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value)
    case 'number':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    case 'string':
      return typeof value === 'string'
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    default:
      return !schema.oneOf || ['string', 'number'].includes(typeof value)
  }
}

/** The values of a built-in object whose types Go could not decode, in words like those of Go's decoder. */
export const decodeErrors = (value: Json | undefined, schema: Schema | undefined, path = ''): string[] => {
  if (!schema || value === undefined || value === null) return []
  if (!fits(value, schema)) return [`json: cannot unmarshal ${kindOf(value)} into Go struct field ${path} of type ${goType(schema)}`]
  if (Array.isArray(value)) return value.flatMap((item) => decodeErrors(item, schema.items, path))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, child]) => decodeErrors(child, fieldSchema(schema, key), path ? `${path}.${key}` : key))
}
