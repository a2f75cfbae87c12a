import { expect, test } from 'vitest'
import { FrameError, FrameReader } from '../../src/broker/frames.ts'

const framed = (body: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}
const MAX = 1_000_000

test.each([1, 2, 3, 4, 5, 7, 64, 1000, 100_000])('frames come out whole from chunks of %i bytes', (chunkBytes) => {
  const bodies = [0, 1, 3, 4, 100, 5000, 20_000].map((size, index) => Buffer.alloc(size, index + 1))
  const bytes = Buffer.concat(bodies.map(framed))
  const reader = new FrameReader()
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    reader.push(bytes.subarray(at, at + chunkBytes))
    for (let frame = reader.next(MAX); frame; frame = reader.next(MAX)) out.push(Buffer.from(frame))
  }
  expect(out).toEqual(bodies)
  expect(reader.heldBytes).toBe(0)
})

test('what one announces takes no memory', () => {
  const readers = Array.from({ length: 1000 }, () => new FrameReader())
  const before = process.memoryUsage().arrayBuffers
  const head = Buffer.alloc(10)
  head.writeInt32BE(100_000_000)
  for (const reader of readers) {
    reader.push(head)
    expect(reader.next(2 ** 30)).toBeUndefined()
    expect(reader.heldBytes).toBe(6)
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
})

test.each([-1, MAX + 1, 0x7fff_ffff])('a length of %i is refused', (sizeBytes) => {
  const reader = new FrameReader()
  const head = Buffer.alloc(4)
  head.writeInt32BE(sizeBytes)
  reader.push(head)
  expect(() => reader.next(MAX)).toThrow(FrameError)
})
