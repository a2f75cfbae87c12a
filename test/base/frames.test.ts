import { expect, test } from 'vitest'
import { FrameError, FrameReader } from '../../src/base/frames.ts'

const frame = (text: string) => {
  const bytes = Buffer.alloc(4 + text.length)
  bytes.writeInt32BE(text.length)
  bytes.write(text, 4)
  return bytes
}

test('frames come out whole, however the bytes arrive', () => {
  const stream = Buffer.concat(['a', '', 'hello', 'x'.repeat(1000)].map(frame))
  for (const step of [1, 2, 3, 5, 7, 1000, 5000]) {
    const reader = new FrameReader(1000)
    const seen: string[] = []
    for (let at = 0; at < stream.length; at += step) seen.push(...reader.received(stream.subarray(at, at + step)).map(String))
    expect(seen).toEqual(['a', '', 'hello', 'x'.repeat(1000)])
  }
})

test.each([-1, 1001, 0x7fff_ffff])('a length of %i is refused before its bytes come', (length) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(length)
  expect(() => new FrameReader(1000).received(bytes)).toThrow(new FrameError(length, 1000))
})

test('a word can be looked at before it is taken for a length', () => {
  const reader = new FrameReader(1000)
  for (const byte of Buffer.from('ruo')) reader.push(Buffer.of(byte))
  expect(reader.peek()).toBeUndefined()
  reader.push(Buffer.from('k'))
  expect(reader.peek()).toBe(Buffer.from('ruok').readInt32BE(0))
  expect(() => reader.next()).toThrow('at most 1000 are allowed')
})
