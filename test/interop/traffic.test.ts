import { expect, test } from 'vitest'
import { type Account, complaints, type Stored } from './traffic.ts'

const stored: Stored[] = ['a', 'b', 'c'].map((value, offset) => ({ partition: 0, offset, value }))
const account = (more: Partial<Account>): Account => ({
  acked: stored,
  polled: stored,
  committed: [],
  found: [],
  failures: [],
  lines: ['found 0 0', 'committed 0 2', 'found 0 2', 'committed 0 3'],
  ...more,
})

test('clients that were told the truth have no complaint', () => {
  expect(complaints(account({}), stored)).toEqual([])
})

test('each anomaly is a complaint', () => {
  const twice = [...stored, { partition: 0, offset: 3, value: 'a' }]
  expect(complaints(account({}), twice)).toEqual(['a is stored 2 times'])
  expect(complaints(account({}), stored.slice(0, 2))).toEqual([
    'c was acknowledged at 0 2, where it is not stored',
    'c was polled at 0 2, where it is not stored',
  ])
  expect(complaints(account({ polled: stored.slice(1) }), stored)).toEqual(['a was not polled'])
  expect(complaints(account({ polled: [...stored, { partition: 0, offset: 1, value: 'x' }] }), stored)).toEqual([
    'x was polled at 0 1, where it is not stored',
  ])
  expect(complaints(account({ failures: ['failed v1 timeout'] }), stored)).toEqual(['failed v1 timeout'])
  expect(complaints(account({ lines: ['committed 0 2', 'found 0 1'] }), stored)).toEqual([
    'partition 0: 2 was committed, and the group begins at 1',
  ])
})
