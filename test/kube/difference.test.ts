import { expect, test } from 'vitest'
import { conditionsOf } from '../../src/kube/conditions.ts'
import { canonical, covers, hashOf, mergePatchOf, quantity } from '../../src/kube/difference.ts'

test('quantities are compared by what they mean', () => {
  expect(quantity('500m')).toBe(0.5)
  expect(quantity('1Gi')).toBe(2 ** 30)
  expect(quantity('four')).toBeUndefined()
  expect(covers({ cpu: '1', memory: '1Gi' }, { cpu: '1000m', memory: '1024Mi' })).toBe(true)
  expect(covers({ cpu: '1' }, { cpu: '2' })).toBe(false)
})

test('what the server adds does not matter, what is missing or different does', () => {
  const live = {
    spec: { replicas: 3, containers: [{ name: 'a', imagePullPolicy: 'Always', ports: [{ port: 1, protocol: 'TCP' }] }] },
    status: {},
  }
  expect(covers(live, { spec: { containers: [{ name: 'a', ports: [{ port: 1 }] }] } })).toBe(true)
  expect(covers(live, { spec: { containers: [{ name: 'a' }, { name: 'b' }] } })).toBe(false)
  expect(covers(live, { spec: { replicas: 2 } })).toBe(false)
  expect(covers(live, { spec: { paused: true } })).toBe(false)
  expect(covers({ volumes: [{ name: 'tmp', emptyDir: {} }] }, { volumes: [{ name: 'tmp', emptyDir: {} }] })).toBe(true)
})

test('a merge patch makes the one of the other, and takes away what is gone', () => {
  expect(mergePatchOf({ a: 1, b: { c: 1, d: 2 }, e: [1] }, { a: 1, b: { c: 1 }, e: [1, 2], f: 'x' })).toEqual({
    b: { d: null },
    e: [1, 2],
    f: 'x',
  })
  expect(mergePatchOf({ a: [{ x: 1, y: 2 }] }, { a: [{ y: 2, x: 1 }] })).toBeUndefined()
  expect(mergePatchOf({ a: 1 }, { a: undefined })).toEqual({ a: null })
})

test('equal values have equal hashes whatever the order of their keys', () => {
  expect(canonical({ b: 1, a: { d: 1, c: 2 } })).toBe('{"a":{"c":2,"d":1},"b":1}')
  expect(hashOf({ a: 1, b: 2 })).toBe(hashOf({ b: 2, a: 1 }))
})

test('the time of a condition is that of its last change', () => {
  const ready = (status: 'True' | 'False') => ({ type: 'Ready', status, reason: 'R', message: 'm' })
  const first = conditionsOf(undefined, [ready('False')], 1000)
  expect(first[0]?.lastTransitionTime).toBe('1970-01-01T00:00:01Z')
  const second = conditionsOf(first, [{ ...ready('False'), message: 'other' }], 9000)
  expect(second[0]).toMatchObject({ lastTransitionTime: '1970-01-01T00:00:01Z', message: 'other' })
  expect(conditionsOf(second, [ready('True')], 9000)[0]?.lastTransitionTime).toBe('1970-01-01T00:00:09Z')
})
