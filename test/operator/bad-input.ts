import type { Kube } from '../../src/kube/types.ts'
import { definitions } from './support/lab.ts'

type Schema = {
  type?: string
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  required?: string[]
  enum?: unknown[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  maxProperties?: number
  pattern?: string
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-list-type'?: string
}
/** One field with something in it that it must not hold. `path` is as the API server names it. */
export type BadInput = { kind: string; path: string; what: string; answer: string; object: Record<string, unknown> }

/** One step on the way to a field: a property's name, or the first item of a list. */
type Step = string | 0

/** The key under which a map without named fields gets a value. */
const ANY_KEY = 'key'
const WRONG_TYPE: Record<string, unknown> = { integer: 'x', boolean: 'x', object: 'x', array: 'x', string: 5 }
const TWICE = 'the same twice'
const WRONG_TEXTS = [' ~:,;*/', '!', ':', ' ', '*', '-']

/** What each rule of one schema refuses, with a word for it. */
const wrongValues = (schema: Schema): [string, unknown][] => {
  const wrong: [string, unknown][] = []
  if (schema['x-kubernetes-int-or-string']) wrong.push(['another type', {}])
  else if (schema.type) wrong.push(['another type', WRONG_TYPE[schema.type]])
  if (schema.enum && schema.type === 'string') wrong.push(['a word that is not in the list', 'NoSuchWord'])
  if (schema.minimum !== undefined) wrong.push(['a number that is too small', schema.minimum - 1])
  if (schema.maximum !== undefined) wrong.push(['a number that is too large', schema.maximum + 1])
  if (schema.minLength) wrong.push(['an empty text', ''])
  if (schema.maxLength !== undefined) wrong.push(['a text that is too long', 'x'.repeat(schema.maxLength + 1)])
  if (schema.pattern !== undefined) {
    const pattern = new RegExp(schema.pattern)
    const text = WRONG_TEXTS.find((each) => !pattern.test(each))
    if (text === undefined) throw new Error(`what does the pattern ${schema.pattern} refuse?`)
    wrong.push(['a text of another form', text])
  }
  if (schema.minItems) wrong.push(['an empty list', []])
  if (schema.maxItems !== undefined)
    wrong.push(['a list that is too long', Array.from({ length: schema.maxItems + 1 }, (_unused, index) => itemOf(schema.items, index))])
  if (schema['x-kubernetes-list-type'] === 'set') wrong.push([TWICE, [itemOf(schema.items, 0), itemOf(schema.items, 0)]])
  if (schema.maxProperties !== undefined)
    wrong.push([
      'too many keys',
      Object.fromEntries(Array.from({ length: schema.maxProperties + 1 }, (_unused, index) => [`k${index}`, 'x'])),
    ])
  return wrong
}

const itemOf = (schema: Schema | undefined, index: number): unknown => {
  if (schema?.type === 'object') return Object.fromEntries((schema.required ?? []).map((name) => [name, `x${index}`]))
  return schema?.enum?.[0] ?? `x${index}`
}

const pathOf = (steps: readonly Step[]): string =>
  steps
    .map((step) => (step === 0 ? '[0]' : `.${step}`))
    .join('')
    .slice(1)

/** `base` with `value` at the place; what is missing on the way is made, with nothing else in it. */
const withValue = (base: unknown, steps: readonly Step[], value: unknown): unknown => {
  const [step, ...rest] = steps
  if (step === undefined) return value
  if (step === 0) return [withValue((base as unknown[] | undefined)?.[0], rest, value)]
  const object = (base ?? {}) as Record<string, unknown>
  const next = withValue(object[step], rest, value)
  const { [step]: _old, ...others } = object
  return next === undefined ? others : { ...others, [step]: next }
}

const walk = (
  schema: Schema,
  steps: readonly Step[],
  visit: (schema: Schema, steps: readonly Step[], isRequired: boolean) => void,
  isRequired = false,
): void => {
  if (steps.length > 0) visit(schema, steps, isRequired)
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    walk(property, [...steps, name], visit, schema.required?.includes(name))
  if (schema.items) walk(schema.items, [...steps, 0], visit)
  if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, [...steps, ANY_KEY], visit)
}

const specOf = (definition: { spec: Record<string, unknown> }): Schema =>
  (definition.spec['versions'] as { schema: { openAPIV3Schema: Schema } }[])[0]!.schema.openAPIV3Schema.properties!['spec']!

/** What the refusal must hold: the field, and for a list the item. */
const answerTo = (path: string, what: string): string => (what === TWICE ? `${path}[1]: Duplicate value` : `${path}: `)

/** Every field of every kind with every sort of thing that its schema refuses. `bases`: a valid object of each kind. */
export const badInputs = (bases: readonly { kind: string }[]): BadInput[] => {
  const inputs: BadInput[] = []
  for (const base of bases) {
    const definition = definitions().find(({ spec }) => (spec['names'] as { kind: string }).kind === base.kind)!
    walk(specOf(definition), ['spec'], (schema, steps, isRequired) => {
      const add = (what: string, value: unknown) =>
        inputs.push({
          kind: base.kind,
          path: pathOf(steps),
          what,
          answer: answerTo(pathOf(steps), what),
          object: withValue(base, steps, value) as Record<string, unknown>,
        })
      for (const [what, value] of wrongValues(schema)) add(what, value)
      if (isRequired) add('nothing', undefined)
    })
    inputs.push({
      kind: base.kind,
      path: 'spec.noSuchField',
      what: 'a field that there is not',
      answer: 'unknown field "spec.noSuchField"',
      object: withValue(base, ['spec', 'noSuchField'], 1) as Record<string, unknown>,
    })
  }
  return inputs
}

/** Every field that names another object, as SPEC.PATH of a kind. */
export const references = (): string[] =>
  definitions().flatMap((definition) => {
    const { kind } = definition.spec['names'] as { kind: string }
    const found: string[] = []
    walk(specOf(definition), ['spec'], (_schema, steps) => {
      const name = steps.at(-1)
      if (typeof name === 'string' && name.endsWith('Ref')) found.push(`${kind} ${pathOf(steps)}`)
    })
    return found
  })

/** Asks the API server what it would say to each, and gives those that it takes or refuses without saying which field is wrong. */
export const wronglyAnswered = async (kube: Kube, inputs: readonly BadInput[], namespace: string): Promise<string[]> => {
  const wrong: string[] = []
  const names = definitions().map(({ spec }) => spec['names'] as { kind: string; plural: string })
  const plurals = Object.fromEntries(names.map(({ kind, plural }) => [kind, plural]))
  for (const { kind, path, what, answer, object } of inputs) {
    const url = `/apis/sofakafka.io/v1beta1/namespaces/${namespace}/${plurals[kind]}?dryRun=All&fieldValidation=Strict`
    const given = await kube.raw('POST', url, object).then(
      () => 'accepted',
      (error: Error) => error.message,
    )
    if (!given.includes(answer)) wrong.push(`${kind} ${path} with ${what}: ${given.slice(0, 300)}`)
  }
  return wrong
}
