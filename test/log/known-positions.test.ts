import { expect, test } from 'vitest'
import { KnownPositions } from '../../src/log/known-positions.ts'

test('several readers find where each of them ended, and the oldest is forgotten', () => {
  const known = new KnownPositions()
  for (let n = 0; n < 8; n++) known.note(n * 10, n * 1000)
  expect(known.of(0)).toBe(0)
  expect(known.of(70)).toBe(7000)
  expect(known.of(5)).toBeUndefined()
  known.note(80, 8000)
  expect(known.of(0)).toBeUndefined()
  expect(known.of(10)).toBe(1000)
  expect(known.of(80)).toBe(8000)
})

test('nothing is known of a file that was cut', () => {
  const known = new KnownPositions()
  known.note(10, 1000)
  known.clear()
  expect(known.of(10)).toBeUndefined()
  known.note(10, 900)
  expect(known.of(10)).toBe(900)
})
