import { expect, test } from 'vitest'
import { builtinSchema } from '../../../src/local/apiserver/builtin/load.ts'
import type { KubeObject } from '../../../src/local/apiserver/json.ts'
import { jsonPatch, mergePatch } from '../../../src/local/apiserver/patch/json-patch.ts'
import { strategicMergePatch } from '../../../src/local/apiserver/patch/strategic.ts'
import { compare, decodeFields, encodeFields, fieldsOf } from '../../../src/local/apiserver/fields/field-set.ts'
import { applyConfiguration } from '../../../src/local/apiserver/fields/managed-fields.ts'
import { merge } from '../../../src/local/apiserver/fields/merge.ts'
import type { Schema } from '../../../src/local/apiserver/schema/schema.ts'

const POD = builtinSchema('v1', 'Pod')
const podOf = (spec: object) => ({ spec }) as never

test('a JSON patch adds, moves, copies, replaces and removes, on a copy', () => {
  const target = { list: [1, 2], map: { 'a/b': 1, 'c~d': 2 } }
  const patched = jsonPatch(target, [
    { op: 'add', path: '/list/1', value: 9 },
    { op: 'add', path: '/list/-', value: 3 },
    { op: 'replace', path: '/map/a~1b', value: 5 },
    { op: 'copy', from: '/map/c~0d', path: '/copy' },
    { op: 'move', from: '/list/0', path: '/first' },
    { op: 'test', path: '/first', value: 1 },
    { op: 'remove', path: '/map/c~0d' },
  ])
  expect(patched).toEqual({ list: [9, 2, 3], map: { 'a/b': 5 }, copy: 2, first: 1 })
  expect(target).toEqual({ list: [1, 2], map: { 'a/b': 1, 'c~d': 2 } })
})

test.each([
  [{ op: 'remove', path: '/none' }],
  [{ op: 'replace', path: '/list/7', value: 1 }],
  [{ op: 'add', path: '/list/9', value: 1 }],
  [{ op: 'add', path: '/none/deeper', value: 1 }],
  [{ op: 'test', path: '/list', value: [] }],
])('a JSON patch that does not fit is refused: %j', (operation) => {
  expect(() => jsonPatch({ list: [1] }, [operation] as never)).toThrow('the server rejected our request')
})

test('a merge patch removes by null and replaces lists', () => {
  expect(mergePatch({ a: { b: 1, c: 2 }, l: [1, 2] }, { a: { b: null, d: 3 }, l: [3] })).toEqual({ a: { c: 2, d: 3 }, l: [3] })
})

test('a strategic merge patch merges lists by their key, deletes and reorders by its directives', () => {
  const target = {
    spec: {
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '1' },
      ],
      tolerations: [{ key: 'x' }],
    },
  }
  const patch = {
    spec: {
      $setElementOrder_: null,
      '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
      containers: [
        { name: 'a', image: '2' },
        { name: 'c', image: '1' },
        { $patch: 'delete', name: 'b' },
      ],
      tolerations: [{ key: 'y' }],
    },
  }
  expect(strategicMergePatch(target, patch as never, POD)).toEqual({
    spec: {
      containers: [
        { name: 'c', image: '1' },
        { name: 'a', image: '2' },
      ],
      tolerations: [{ key: 'y' }],
    },
  })
})

test('a strategic merge patch deletes from primitive lists, replaces whole maps, and retains keys', () => {
  const metadata = { metadata: { finalizers: ['a', 'b'], labels: { x: '1' } } }
  expect(
    strategicMergePatch(
      metadata,
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], labels: { $patch: 'replace', y: '2' } } } as never,
      POD,
    ),
  ).toEqual({
    metadata: { finalizers: ['b'], labels: { y: '2' } },
  })
  const volumes = { spec: { volumes: [{ name: 'v', emptyDir: {} }] } }
  const patch = { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'secret'], secret: { secretName: 's' } }] } }
  expect(strategicMergePatch(volumes, patch as never, POD)).toEqual({ spec: { volumes: [{ name: 'v', secret: { secretName: 's' } }] } })
})

test('fields are written and read back the same, inner members included', () => {
  const fields = fieldsOf(podOf({ containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP' }] }], nodeSelector: {} }), POD)
  const encoded = encodeFields(fields)
  expect(encoded).toEqual({
    'f:spec': {
      'f:containers': {
        'k:{"name":"a"}': {
          '.': {},
          'f:name': {},
          'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} } },
        },
      },
      'f:nodeSelector': {},
    },
  })
  expect([...decodeFields(encoded)].sort()).toEqual([...fields].sort())
})

test('a comparison sees an associative item by its key, not by its place', () => {
  const before = podOf({
    containers: [
      { name: 'a', image: '1' },
      { name: 'b', image: '1' },
    ],
  })
  const after = podOf({
    containers: [
      { name: 'b', image: '1' },
      { name: 'a', image: '2' },
    ],
  })
  const { changed, removed } = compare(before, after, POD)
  expect([...changed].map((path) => path.split('\n').at(-1))).toEqual(['f:image'])
  expect(removed.size).toBe(0)
})

const LIST: Schema = { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } }
test('merging a set keeps what others put there in its place', () => {
  expect(merge(['own1', 'a', 'own2', 'b'], ['b', 'new', 'a'], LIST)).toEqual(['own1', 'b', 'new', 'a', 'own2'])
})

const manager = (name: string) => ({ name, operation: 'Apply' as const, apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:00Z' })
const config = (data: object | undefined): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data }) as unknown as KubeObject
const CONFIG_MAP = builtinSchema('v1', 'ConfigMap')
const apply = (live: KubeObject | undefined, data: object | undefined, name: string, force = false): KubeObject =>
  applyConfiguration(live, config(data), CONFIG_MAP, { manager: manager(name), force, reset: [] })

test('a field that two managers apply with the same value goes only when both drop it', () => {
  const first = apply(undefined, { shared: '1', own: '2' }, 'one')
  const second = apply(first, { shared: '1' }, 'two')
  const third = apply(second, { own: '2' }, 'one')
  expect(third['data']).toEqual({ shared: '1', own: '2' })
  expect(apply(third, {}, 'two')['data']).toEqual({ own: '2' })
})

test('a container goes with the last field in it, unless somebody owns it as it is', () => {
  const first = apply(undefined, { own: '1' }, 'one')
  expect(apply(first, undefined, 'one')).not.toHaveProperty('data')
  const empty = apply(first, {}, 'two')
  expect(apply(empty, undefined, 'one')['data']).toEqual({})
})

test('another value for an owned field is a conflict that names owner and field; force takes it over', () => {
  const first = apply(undefined, { a: '1' }, 'one')
  expect(() => apply(first, { a: '2' }, 'two')).toThrow('Apply failed with 1 conflict: conflict with "one": .data.a')
  const forced = apply(first, { a: '2' }, 'two', true)
  expect(forced['data']).toEqual({ a: '2' })
  expect(forced.metadata.managedFields!.map((entry) => entry['manager'])).toEqual(['two'])
})
