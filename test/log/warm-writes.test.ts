import { expect, test } from 'vitest'
import { PageCacheShare, WarmWrites } from '../../src/log/warm-writes.ts'

const MIB = 1 << 20

test('what a log wrote is warm until all logs together have written as much as the page cache surely keeps', () => {
  const share = new PageCacheShare(64 * MIB)
  const [a, b] = [new WarmWrites(share), new WarmWrites(share)]
  expect(a.has(0)).toBe(false)
  for (let offset = 0; offset < 32; offset++) a.noteWrite(MIB, offset)
  expect(a.has(0)).toBe(true)
  for (let offset = 0; offset < 40; offset++) b.noteWrite(MIB, offset)
  // 72 MiB in all: the first of a's steps of 16 MiB began more than 64 ago, the second 56.
  expect(a.has(0)).toBe(false)
  expect(a.has(16)).toBe(true)
  expect(b.has(0)).toBe(true)
  for (let offset = 40; offset < 120; offset++) b.noteWrite(MIB, offset)
  expect(a.has(31)).toBe(false)
})

test('a log that was quiet for long is warm again from its next write on', () => {
  const share = new PageCacheShare(16 * MIB)
  const log = new WarmWrites(share)
  log.noteWrite(100, 0)
  share.writtenBytes += 17 * MIB
  expect(log.has(0)).toBe(false)
  log.noteWrite(100, 7)
  expect(log.has(7)).toBe(true)
  expect(log.has(0)).toBe(false)
})

test('what was cut off is not warm when it is written anew by another step', () => {
  const log = new WarmWrites(new PageCacheShare(64 * MIB))
  log.noteWrite(MIB, 0)
  log.noteCut(0)
  expect(log.has(0)).toBe(false)
  log.noteWrite(MIB, 0)
  expect(log.has(0)).toBe(true)
})
