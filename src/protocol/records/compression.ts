import * as zlib from 'node:zlib'
import { KafkaError } from '../errors.ts'
import { compressLz4, decompressLz4 } from './lz4.ts'
import { BoundedOutput, tooLarge, undecodable } from './output.ts'
import type { Codec, Magic } from './record-batch.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'

/** What one batch may grow to where a caller sets no limit of its own. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024

/** The levels that Kafka 2.6 uses and cannot be configured there: gzip 6, zstd 3, fast lz4. */
export const compress = (codec: Codec, bytes: Buffer, magic: Magic = 2): Buffer => {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return zlib.gzipSync(bytes)
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return compressLz4(bytes, magic === 0)
    case 'zstd':
      if (magic < 2) throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', `zstd needs message format 2, this is ${magic}`)
      return zlib.zstdCompressSync(bytes)
  }
}

/**
 * The whole content. MESSAGE_TOO_LARGE beyond `limitBytes`, without having taken the memory; INVALID_RECORD when it is not what the codec says.
 * Blocks the thread: for large input see offload.ts.
 */
export const decompress = (codec: Codec, bytes: Buffer, limitBytes: number = DEFAULT_MAX_DECOMPRESSED_BYTES, magic: Magic = 2): Buffer => {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return decompressGzip(bytes, limitBytes)
    case 'snappy':
      return decompressSnappy(bytes, limitBytes)
    case 'lz4':
      return decompressLz4(bytes, limitBytes, magic === 0)
    case 'zstd':
      return decompressZstd(bytes, limitBytes)
  }
}

const unzip = <T>(codec: Codec, limitBytes: number, run: () => T): T => {
  try {
    return run()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limitBytes)
    throw undecodable(codec, (error as Error).message, error)
  }
}

const decompressGzip = (bytes: Buffer, limitBytes: number): Buffer => {
  const output = new BoundedOutput(limitBytes)
  output.push(unzip('gzip', limitBytes, () => zlib.gunzipSync(bytes, { maxOutputLength: Math.max(1, limitBytes) })))
  return output.bytes()
}

/** Frames may follow one another; zlib reads one at a time. */
const decompressZstd = (bytes: Buffer, limitBytes: number): Buffer => {
  const output = new BoundedOutput(limitBytes)
  let at = 0
  do {
    const options = { maxOutputLength: Math.max(1, output.leftBytes), info: true }
    const frame = unzip('zstd', limitBytes, () => zlib.zstdDecompressSync(bytes.subarray(at), options)) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    if (frame.engine.bytesWritten === 0) throw undecodable('zstd', 'it has no frame')
    output.push(frame.buffer)
    at += frame.engine.bytesWritten
  } while (at < bytes.length)
  return output.bytes()
}
