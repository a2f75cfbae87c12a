import { describe, expect, test } from 'vitest'
import { FrameMemory } from '../../src/client/frame-memory.ts'

const frame = (text: string) => {
  const bytes = Buffer.alloc(4 + text.length)
  bytes.writeInt32BE(text.length)
  bytes.write(text, 4)
  return bytes
}

describe('frames in memory that is used again', () => {
  /** Feeds `bytes` as a socket does: into the room that there is, `step` at a time. */
  const feed = (memory: FrameMemory, bytes: Buffer, step = Infinity): Buffer[] => {
    const frames: Buffer[] = []
    for (let at = 0; at < bytes.length;) {
      const room = memory.room()
      const count = bytes.copy(room, 0, at, at + Math.min(step, room.length))
      expect(count).toBeGreaterThan(0)
      frames.push(...memory.received(count))
      at += count
    }
    return frames
  }

  test('come out whole, however the bytes arrive', () => {
    const texts = ['a', '', 'hello', 'x'.repeat(100_000), 'y'.repeat(70_000), 'z']
    for (const step of [1, 3, 1000, 65_536, 1_000_000]) {
      const memory = new FrameMemory(1 << 20)
      for (const text of texts) expect(feed(memory, frame(text), step).map((each) => String(each) === text)).toEqual([true])
    }
  })

  test('stay when the beginning of the next one came with them', () => {
    const memory = new FrameMemory(1 << 20)
    const [first] = feed(memory, Buffer.concat([frame('first'), frame('second').subarray(0, 6)]))
    memory.room().fill(1)
    expect(String(first)).toBe('first')
    expect(feed(memory, frame('second').subarray(6)).map(String)).toEqual(['second'])
  })

  test('several at once', () => {
    const frames = feed(new FrameMemory(1000), Buffer.concat(['a', 'bc', ''].map(frame)))
    expect(frames.map(String)).toEqual(['a', 'bc', ''])
  })

  test.each([-1, 1001, 0x7fff_ffff])('a length of %i is refused before its bytes come', (length) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(length)
    expect(() => feed(new FrameMemory(1000), bytes)).toThrow('at most 1000 are allowed')
  })

  test('grow with what arrives, not with what is announced, and shrink again', () => {
    const memory = new FrameMemory(1 << 30)
    const announced = Buffer.alloc(100_000)
    announced.writeInt32BE(1 << 29)
    feed(memory, announced)
    expect(memory.sizeBytes).toBe(131_072)
    const used = new FrameMemory(1 << 30)
    feed(used, frame('x'.repeat(1_000_000)))
    expect(used.sizeBytes).toBe(1 << 20)
    for (let i = 0; i < 200; i++) feed(used, frame('x'.repeat(200_000)))
    expect(used.sizeBytes).toBe(1 << 18)
    for (let i = 0; i < 200; i++) feed(used, frame('x'))
    expect(used.sizeBytes).toBe(65_536)
  })
})
