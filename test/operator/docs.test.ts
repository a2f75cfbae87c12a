import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REASONS } from '../../src/operator/reasons.ts'

test('every reason stands in the documentation', () => {
  const text = readFileSync('docs/operator.md', 'utf8')
  expect(Object.keys(REASONS).filter((reason) => !new RegExp(`\\b${reason}\\b`).test(text))).toEqual([])
})
