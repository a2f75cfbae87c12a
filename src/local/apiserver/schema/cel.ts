import { Environment, type ParseResult } from '@marcbachmann/cel-js'
import { quantity } from '../../../kube/difference.ts'
import { isObject, type Json } from '../json.ts'
import { fieldSchema, isStructField, listType, type Rule, type Schema } from './schema.ts'

const quantityOf = (value: unknown): number => {
  const number = quantity(value)
  if (number === undefined) throw new Error(`${String(value)} is not a quantity`)
  return number
}

/** The functions that Kubernetes adds to CEL and that are served here; an expression that calls another one makes its CRD unaccepted. */
const environment = (): Environment => {
  const text = (value: unknown): string => String(value)
  const list = (value: unknown): unknown[] => value as unknown[]
  const env = new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false, enableOptionalTypes: true })
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn')
  const functions: [string, (...args: never[]) => unknown][] = [
    [
      'list.isSorted(): bool',
      (items: unknown) => list(items).every((item, i) => i === 0 || (list(items)[i - 1] as string) <= (item as string)),
    ],
    ['list.sum(): dyn', (items: unknown) => list(items).reduce((sum, item) => (sum as bigint) + (item as bigint), 0n)],
    ['list.min(): dyn', (items: unknown) => list(items).reduce((a, b) => ((a as bigint) <= (b as bigint) ? a : b))],
    ['list.max(): dyn', (items: unknown) => list(items).reduce((a, b) => ((a as bigint) >= (b as bigint) ? a : b))],
    ['list.indexOf(dyn): int', (items: unknown, item: unknown) => BigInt(list(items).indexOf(item))],
    ['list.lastIndexOf(dyn): int', (items: unknown, item: unknown) => BigInt(list(items).lastIndexOf(item))],
    ['string.find(string): string', (value: unknown, pattern: unknown) => new RegExp(text(pattern), 'u').exec(text(value))?.[0] ?? ''],
    ['string.findAll(string): list', (value: unknown, pattern: unknown) => text(value).match(new RegExp(text(pattern), 'gu')) ?? []],
    [
      'string.replace(string, string): string',
      (value: unknown, from: unknown, to: unknown) => text(value).replaceAll(text(from), text(to)),
    ],
    // Of Kubernetes' quantities only their order: a number stands for one.
    ['isQuantity(string): bool', (value: unknown) => quantity(value) !== undefined],
    ['quantity(string): double', (value: unknown) => quantityOf(value)],
    ['double.compareTo(double): int', (one: unknown, other: unknown) => BigInt(Math.sign((one as number) - (other as number)))],
    ['double.isGreaterThan(double): bool', (one: unknown, other: unknown) => (one as number) > (other as number)],
    ['double.isLessThan(double): bool', (one: unknown, other: unknown) => (one as number) < (other as number)],
    ['isURL(string): bool', (value: unknown) => URL.canParse(text(value))],
  ]
  for (const [signature, handler] of functions) {
    try {
      env.registerFunction(signature, handler as never)
    } catch {
      // The library has it already.
    }
  }
  return env
}
const ENVIRONMENT = environment()

/** CEL's integers are bigint; keys that are no identifiers are reached by an escaped name. */
const toCel = (value: Json | undefined, schema: Schema | undefined): unknown => {
  if (value === undefined || value === null) return null
  if (Array.isArray(value)) return value.map((item) => toCel(item, schema?.items))
  if (isObject(value)) {
    const isStruct = schema?.properties !== undefined
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [isStruct ? escaped(key) : key, toCel(child, fieldSchema(schema, key))]),
    )
  }
  if (typeof value === 'number') return Number.isInteger(value) && schema?.type !== 'number' ? BigInt(value) : value
  return value
}

const RESERVED = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
])
const escaped = (name: string): string =>
  RESERVED.has(name)
    ? `__${name}__`
    : name.replace(/__/g, '__underscores__').replace(/\./g, '__dot__').replace(/-/g, '__dash__').replace(/\//g, '__slash__')

const compiled = new WeakMap<Rule, { test: ParseResult; message?: ParseResult; isTransition: boolean }>()
const compile = (rule: Rule): { test: ParseResult; message?: ParseResult; isTransition: boolean } => {
  const known = compiled.get(rule)
  if (known) return known
  const test = ENVIRONMENT.parse(rule.rule)
  const made = {
    test,
    isTransition: /\boldSelf\b/.test(rule.rule),
    ...(rule.messageExpression ? { message: ENVIRONMENT.parse(rule.messageExpression) } : {}),
  }
  compiled.set(rule, made)
  return made
}

/** Why a rule cannot be used, in words; undefined when it can. */
export const ruleProblem = (rule: Rule): string | undefined => {
  try {
    const { test, message } = compile(rule)
    for (const one of [test, message]) {
      const checked = one?.check()
      if (checked && !checked.valid) return checked.error?.message ?? 'it does not compile'
    }
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

export type RuleFailure = { path: string; rule: Rule; message: string; value: Json }
type Visit = { value: Json; old: Json | undefined; schema: Schema; path: string }

/** Runs every rule of the schema over the value and, for transition rules, over the old value at the same place. */
export const ruleFailures = (visit: Visit): RuleFailure[] => {
  const failures = (visit.schema['x-kubernetes-validations'] ?? []).flatMap((rule) => run(rule, visit) ?? [])
  return [...failures, ...childVisits(visit).flatMap(ruleFailures)]
}

const run = (rule: Rule, { value, old, schema, path }: Visit): RuleFailure | undefined => {
  const { test, message, isTransition } = compile(rule)
  if (isTransition && old === undefined && !rule.optionalOldSelf) return undefined
  const context = { self: toCel(value, schema), oldSelf: toCel(old, schema) }
  try {
    if (test(context) === true) return undefined
  } catch (error) {
    return { path, rule, value, message: `rule evaluation error: ${rule.rule}: ${(error as Error).message.split('\n')[0]}` }
  }
  return { path, rule, value, message: expressed(message, context) ?? rule.message ?? `failed rule: ${rule.rule}` }
}

const expressed = (message: ParseResult | undefined, context: Record<string, unknown>): string | undefined => {
  try {
    const text: unknown = message?.(context)
    return typeof text === 'string' && text.trim() !== '' ? text : undefined
  } catch {
    return undefined
  }
}

const childVisits = ({ value, old, schema, path }: Visit): Visit[] => {
  if (Array.isArray(value) && schema.items) {
    const items = schema.items
    return value.map((item, i) => ({ value: item, old: oldItem(item, old, schema), schema: items, path: `${path}[${i}]` }))
  }
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, child]) => {
    const childSchema = fieldSchema(schema, name)
    if (!childSchema || child === undefined || child === null) return []
    const at = isStructField(schema, name) ? (path ? `${path}.${name}` : name) : `${path}[${name}]`
    return [{ value: child, old: isObject(old) ? (old[name] ?? undefined) : undefined, schema: childSchema, path: at }]
  })
}

/** Only items of map lists can be found again in the old list. */
const oldItem = (item: Json, old: Json | undefined, schema: Schema): Json | undefined => {
  if (listType(schema) !== 'map' || !Array.isArray(old)) return undefined
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  return old.find((one) => isObject(one) && isObject(item) && keys.every((key) => one[key] === item[key]))
}
