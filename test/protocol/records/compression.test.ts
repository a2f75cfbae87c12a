import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { describe, expect, test } from 'vitest'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { compress, decompress } from '../../../src/protocol/records/compression.ts'
import { CODECS } from '../../../src/protocol/records/record-batch.ts'
import { xxhash32 } from '../../../src/protocol/records/xxhash32.ts'
import { Random } from '../../support/random.ts'

const codecs = CODECS.slice(1)
const thrown = (run: () => unknown): KafkaError => {
  try {
    run()
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe.each(codecs)('%s', (codec) => {
  test('gives back what went in, from nothing to many blocks', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('x'),
      Buffer.alloc(65_536, 'ab'),
      Buffer.alloc(200_001, 'abc'),
      randomBytes(200_001),
    ]) {
      expect(decompress(codec, compress(codec, bytes)).equals(bytes)).toBe(true)
    }
  })

  test('stops at the limit, to the byte', () => {
    const packed = compress(codec, Buffer.alloc(100_000, 'z'))
    expect(decompress(codec, packed, 100_000).length).toBe(100_000)
    expect(thrown(() => decompress(codec, packed, 99_999)).error).toBe('MESSAGE_TOO_LARGE')
    expect(thrown(() => decompress(codec, compress(codec, Buffer.from('x')), 0)).error).toBe('MESSAGE_TOO_LARGE')
  })

  test('refuses a bomb without taking the memory', () => {
    const bomb = compress(codec, Buffer.alloc(64 * 1024 * 1024))
    const before = process.memoryUsage().arrayBuffers
    expect(thrown(() => decompress(codec, bomb, 1_000_000)).error).toBe('MESSAGE_TOO_LARGE')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024)
  })

  test('refuses every cut and survives every changed byte', () => {
    const bytes = Buffer.alloc(300, 'kafka')
    const packed = compress(codec, bytes)
    for (let cut = 1; cut < packed.length; cut++) {
      // Chunks of Snappy end where a stream may end too.
      if (codec === 'snappy' && cut === 16) continue
      expect(thrown(() => decompress(codec, packed.subarray(0, cut))).error, `cut at ${cut}`).toBe('INVALID_RECORD')
    }
    const random = new Random(5)
    for (let n = 0; n < 500; n++) {
      const broken = Buffer.from(packed)
      broken[random.below(broken.length)] = random.below(256)
      try {
        expect(decompress(codec, broken, 1_000_000).length).toBeLessThanOrEqual(1_000_000)
      } catch (error) {
        expect(['INVALID_RECORD', 'MESSAGE_TOO_LARGE']).toContain((error as KafkaError).error)
      }
    }
  })
})

test('lz4 is a frame of independent blocks of 64 KB; in magic 0 its header has the checksum that old clients write', () => {
  const frame = compress('lz4', Buffer.alloc(70_000, 'ab'))
  expect(frame.subarray(0, 7).toString('hex')).toBe('04224d18604082')
  const old = compress('lz4', Buffer.from('a'), 0)
  expect(old[6]).toBe((xxhash32(old.subarray(0, 6)) >>> 8) & 0xff)
  expect(old[6]).not.toBe(0x82)
  expect(decompress('lz4', old, 10, 0).toString()).toBe('a')
  expect(thrown(() => decompress('lz4', old, 10, 2)).message).toContain('the checksum of its header does not hold')
})

test('lz4 frames with larger blocks, checksums and content sizes are read', () => {
  const bytes = Buffer.alloc(3_000_000, 'abcdef')
  const frame = compressFrameSync(bytes, { contentChecksum: true, blockChecksums: true })
  expect(decompress('lz4', frame).equals(bytes)).toBe(true)
  frame[40]! ^= 1
  expect(thrown(() => decompress('lz4', frame)).message).toContain('checksum of a block')
  const plain = compress('lz4', Buffer.from('sized'))
  const header = Buffer.from([4, 0x22, 0x4d, 0x18, 0x68, 0x40, 5, 0, 0, 0, 0, 0, 0, 0, 0])
  header[14] = (xxhash32(header, 4, 14) >>> 8) & 0xff
  expect(decompress('lz4', Buffer.concat([header, plain.subarray(7)])).toString()).toBe('sized')
})

test('lz4 blocks that depend on one another are refused', () => {
  const frame = compress('lz4', Buffer.from('x'))
  frame[4] = 0x40
  frame[6] = (xxhash32(frame, 4, 6) >>> 8) & 0xff
  expect(thrown(() => decompress('lz4', frame)).message).toContain('Kafka needs independent ones')
})

test('snappy is xerial-framed; raw blocks and streams one after the other are read', () => {
  const framed = compress('snappy', Buffer.from('hello'))
  expect(framed.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
  expect(decompress('snappy', compressSync('raw block')).toString()).toBe('raw block')
  expect(decompress('snappy', Buffer.concat([framed, framed])).toString()).toBe('hellohello')
})

test('snappy content sizes are not believed', () => {
  const block = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.alloc(10)])
  expect(thrown(() => decompress('snappy', block, 1000)).error).toBe('MESSAGE_TOO_LARGE')
})

test('gzip members and zstd frames may follow one another', () => {
  const parts = (pack: (text: string) => Buffer) => Buffer.concat([pack('one'), pack('two'), pack('three')])
  expect(
    decompress(
      'gzip',
      parts((text) => gzipSync(text)),
    ).toString(),
  ).toBe('onetwothree')
  expect(
    decompress(
      'zstd',
      parts((text) => zstdCompressSync(text)),
    ).toString(),
  ).toBe('onetwothree')
  expect(
    thrown(() =>
      decompress(
        'zstd',
        parts((text) => zstdCompressSync(text)),
        10,
      ),
    ).error,
  ).toBe('MESSAGE_TOO_LARGE')
})

test('zstd needs magic 2', () => {
  expect(thrown(() => compress('zstd', Buffer.from('x'), 1)).error).toBe('UNSUPPORTED_COMPRESSION_TYPE')
})
