import { expect, test } from 'vitest'
import { staleFiles } from '../../hack/gen.ts'
import { definitions } from './support/lab.ts'
import { RULES } from './support/rules.ts'

type Schema = { properties?: Record<string, Schema>; items?: Schema; default?: unknown; type?: string; [key: string]: unknown }
type Version = { schema: { openAPIV3Schema: Schema } }
const schemaOf = (definition: { spec: Record<string, unknown> }): Schema =>
  (definition.spec['versions'] as Version[])[0]!.schema.openAPIV3Schema

const walk = (schema: Schema, path: string, visit: (schema: Schema, path: string, isInList: boolean) => void, isInList = false): void => {
  visit(schema, path, isInList)
  for (const [name, property] of Object.entries(schema.properties ?? {})) walk(property, `${path}.${name}`, visit, isInList)
  if (schema.items) walk(schema.items, `${path}[]`, visit, true)
}

test('src/api is what crds/ says', () => {
  expect(staleFiles()).toEqual([])
})

test.each(definitions())('$metadata.name is small, with category, short name, status and columns', (definition) => {
  expect(JSON.stringify(definition).length).toBeLessThan(200_000)
  const names = definition.spec['names'] as { categories: string[]; shortNames: string[] }
  expect(names.categories).toEqual(['sofakafka'])
  expect(names.shortNames[0]).toMatch(/^sk[ctua]$/)
})

test.each(definitions())('$metadata.name has no default inside a list, and every list says how it merges', (definition) => {
  walk(schemaOf(definition), '', (schema, path, isInList) => {
    if (isInList) expect(schema.default, path).toBeUndefined()
    if (schema.type === 'array') expect(['map', 'set', 'atomic'], path).toContain(schema['x-kubernetes-list-type'])
  })
})

test('every rule that is written has something that it refuses', () => {
  const messages: string[] = []
  for (const definition of definitions()) {
    walk(schemaOf(definition), '', (schema) => {
      for (const rule of (schema['x-kubernetes-validations'] as { message: string }[] | undefined) ?? []) messages.push(rule.message)
    })
  }
  const untested = messages.filter((message) => !RULES.some(({ words }) => message.includes(words)))
  // Needs a status, so it stands with the reconcilers: test/operator/cluster/reconcile.test.ts.
  expect(untested.filter((message) => !message.includes('status.partitions'))).toEqual([])
})
