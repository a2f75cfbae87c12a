import { type Json, type KubeObject } from '../json.ts'
import type { Resource } from '../resources.ts'
import { ruleFailures, type RuleFailure } from '../schema/cel.ts'
import { validateSchema } from '../schema/validate.ts'
import type { FieldError } from '../status.ts'

const typeWord = (value: Json): string => {
  if (Array.isArray(value)) return 'array'
  if (value === null) return 'null'
  return typeof value === 'number' ? 'integer' : typeof value
}

const asFieldError = ({ path, rule, message, value }: RuleFailure): FieldError => {
  const field = (rule.fieldPath ? path + rule.fieldPath : path) || '<nil>'
  if (rule.reason === 'FieldValueRequired') return { reason: 'FieldValueRequired', field, message: `Required value: ${message}` }
  if (rule.reason === 'FieldValueForbidden') return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${message}` }
  if (rule.reason === 'FieldValueDuplicate')
    return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${JSON.stringify(typeWord(value))}` }
  const shown = typeof value === 'object' ? typeWord(value) : value
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(shown)}: ${message}` }
}

/** The structural schema first; CEL rules only over what has the right shape. */
export const validateCustom = (resource: Resource, object: KubeObject, old: KubeObject | undefined): FieldError[] => {
  const { metadata: _metadata, ...body } = object
  const schema = resource.schema
  const own = { ...schema, properties: { ...schema.properties } }
  delete own.properties['metadata']
  const errors = validateSchema(body as Json, own, '')
  if (errors.some((error) => BLOCKING.includes(error.reason)))
    return [...errors, { reason: 'FieldValueInvalid', field: '<nil>', message: UNCHECKED }]
  return [...errors, ...ruleFailures({ value: object as Json, old: old as Json | undefined, schema: own, path: '' }).map(asFieldError)]
}

/** With these, the object's shape is not what the rules were written for. */
const BLOCKING: FieldError['reason'][] = [
  'FieldValueRequired',
  'FieldValueTypeInvalid',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueNotSupported',
]
const UNCHECKED =
  'Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
