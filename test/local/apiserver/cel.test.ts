import { expect, test } from 'vitest'
import type { Json } from '../../../src/local/apiserver/json.ts'
import { ruleFailures, ruleProblem } from '../../../src/local/apiserver/schema/cel.ts'
import type { Schema } from '../../../src/local/apiserver/schema/schema.ts'

const check = (
  rule: string,
  value: Json,
  old?: Json,
  schema: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
): string[] =>
  ruleFailures({ value, old, schema: { ...schema, 'x-kubernetes-validations': [{ rule, message: 'refused' }] }, path: 'spec' }).map(
    (failure) => failure.message,
  )

test.each([
  ['self.n >= 3 && self.n < 9', { n: 3 }, { n: 9 }],
  ['self.list.all(x, x.startsWith("a"))', { list: ['ab'] }, { list: ['b'] }],
  ['self.list.exists_one(x, x == 1)', { list: [1, 2] }, { list: [1, 1] }],
  ['!has(self.a) || size(self.a) <= 2', {}, { a: 'abc' }],
  ['self.name.matches("^[a-z]+$")', { name: 'abc' }, { name: 'A' }],
  ['self.list.isSorted()', { list: [1, 2] }, { list: [2, 1] }],
  ['self.list.sum() == 3', { list: [1, 2] }, { list: [1] }],
  ['self.text.find("[0-9]+") == "12"', { text: 'a12' }, { text: 'a' }],
  ['self.text.split(".").size() == 2', { text: 'a.b' }, { text: 'a' }],
  ['type(self.x) == int', { x: 1 }, { x: 'a' }],
  ['self.keys.map(k, k.key).all(k, k in ["a", "b"])', { keys: [{ key: 'a' }] }, { keys: [{ key: 'c' }] }],
  ['quantity(self.a).compareTo(quantity(self.b)) >= 0', { a: '1Gi', b: '1073741824' }, { a: '1G', b: '1Gi' }],
  ['isQuantity(self.a) && quantity(self.a).isGreaterThan(quantity("500m"))', { a: '1' }, { a: 'one' }],
  ['!("a.b" in self.config) || self.config["a.b"] == "x"', { config: {} }, { config: { 'a.b': 'y' } }],
])('%s', (rule, good, bad) => {
  expect(ruleProblem({ rule })).toBeUndefined()
  expect(check(rule, good as Json)).toEqual([])
  expect(check(rule, bad as Json)).not.toEqual([])
})

test('a transition rule is asked only where there was a value before, found by its key in a map list', () => {
  expect(check('self.a == oldSelf.a', { a: 1 })).toEqual([])
  expect(check('self.a == oldSelf.a', { a: 1 }, { a: 2 })).toEqual(['refused'])
  const item: Schema = {
    type: 'object',
    properties: { name: { type: 'string' }, id: { type: 'integer' } },
    'x-kubernetes-validations': [{ rule: 'self.id == oldSelf.id', message: 'id is fixed' }],
  }
  const schema: Schema = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: item }
  const old: Json = [
    { name: 'a', id: 1 },
    { name: 'b', id: 2 },
  ]
  const now: Json = [
    { name: 'b', id: 3 },
    { name: 'new', id: 9 },
    { name: 'a', id: 1 },
  ]
  expect(ruleFailures({ value: now, old, schema, path: 'spec.brokers' }).map((one) => [one.path, one.message])).toEqual([
    ['spec.brokers[0]', 'id is fixed'],
  ])
})

test('a rule that fails while it runs refuses the object in words', () => {
  expect(check('self.none.deeper == 1', {})[0]).toContain('rule evaluation error')
})

test('a rule that does not compile is told', () => {
  expect(ruleProblem({ rule: 'self.a ==' })).toBeDefined()
  expect(ruleProblem({ rule: 'other.a == 1' })).toContain('other')
})
