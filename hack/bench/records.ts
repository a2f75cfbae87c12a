// Prints what the hot path of the record formats costs: checksums by size, the checks before an append, the codecs. `node hack/bench/records.ts`
import { crc32c as nativeCrc32c } from '@node-rs/crc32'
import type { AppendRules } from '../../src/protocol/records/append-rules.ts'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import { compress, decompress } from '../../src/protocol/records/compression.ts'
import { crc32c, crc32cInScript } from '../../src/protocol/records/crc32c.ts'
import { CODECS } from '../../src/protocol/records/record-batch.ts'
import { records } from '../../src/protocol/records/record.ts'
import { validateAppend } from '../../src/protocol/records/validate.ts'

let sink = 0
const measure = (name: string, sizeBytes: number, run: () => unknown): void => {
  const once = (forMs: number): [number, number] => {
    const start = performance.now()
    let calls = 0
    do {
      for (let i = 0; i < 16; i++) sink += run() === undefined ? 0 : 1
      calls += 16
    } while (performance.now() - start < forMs)
    return [calls, performance.now() - start]
  }
  once(100)
  const [calls, ms] = once(300)
  console.log(
    `${name.padEnd(52)} ${((sizeBytes * calls) / ms / 1000).toFixed(0).padStart(8)} MB/s ${((ms * 1000) / calls).toFixed(2).padStart(10)} us`,
  )
}

for (const size of [64, 128, 192, 256, 320, 512, 1024, 16_384]) {
  const bytes = Buffer.alloc(size + 3, 'kafka')
  measure(`crc32c ${size} B, JavaScript`, size, () => crc32cInScript(bytes, 3, size + 3))
  measure(`crc32c ${size} B, native`, size, () => nativeCrc32c(bytes.subarray(3)))
  measure(`crc32c ${size} B, as used`, size, () => crc32c(bytes, 3))
}

const rules: AppendRules = {
  topicPartition: 'bench-0',
  origin: 'client',
  magic: 2,
  compressionType: 'producer',
  timestampType: 'CreateTime',
  timestampDifferenceMaxMs: 2 ** 63,
  isCompacted: false,
  maxMessageBytes: 1_048_588,
  nowMs: 1_600_000_000_000,
}
const batchOf = (recordBytes: number, codec: (typeof CODECS)[number] = 'none') => {
  const value = Buffer.from(Array.from({ length: recordBytes }, (_, n) => 97 + ((n * n) % 23)))
  return buildBatch(
    Array.from({ length: Math.ceil(16_384 / (recordBytes + 10)) }, (_, n) => ({
      key: `key-${n}`,
      value,
      timestamp: 1_600_000_000_000 + n,
    })),
    { codec },
  )
}
/** Each append numbers the batch; the next one needs 0 again. */
const append = (batch: Buffer, changed: Partial<AppendRules> = {}) => {
  const own = { ...rules, ...changed }
  return () => {
    batch.fill(0, 0, 8)
    return validateAppend(batch, own, 1_000_000, 5).lastOffset
  }
}
for (const recordBytes of [10, 100, 1000]) {
  const batch = batchOf(recordBytes)
  measure(`append 16 KB of ${recordBytes} B records, as it is`, batch.length, append(batch))
  measure(`append 16 KB of ${recordBytes} B records, compacted topic`, batch.length, append(batch, { isCompacted: true }))
  measure(`read 16 KB of ${recordBytes} B records`, batch.length, () => [...records(batch)].length)
}
for (const codec of CODECS.slice(1)) {
  const batch = batchOf(1000, codec)
  measure(`append 16 KB, ${codec}, as it is`, batch.length, append(batch))
  measure(`append 16 KB, ${codec} to none`, 16_384, append(batch, { compressionType: 'uncompressed' }))
}
const text = Buffer.alloc(65_536, 'the quick brown fox jumps over the lazy dog 0123456789 ')
for (const codec of CODECS.slice(1)) {
  const packed = compress(codec, text)
  measure(`compress 64 KB, ${codec} (to ${packed.length} B)`, text.length, () => compress(codec, text))
  measure(`decompress 64 KB, ${codec}`, text.length, () => decompress(codec, packed))
}
if (sink < 0) console.log(sink)
