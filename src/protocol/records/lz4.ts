/**
 * LZ4 frames as Kafka writes and reads them: blocks of at most 64 KB when written, independent of each other, no content size, no checksums but the one of the
 * header. In magic 0 that one is computed over the frame's magic number too (a bug that old clients have), and not checked when read.
 * Source: KafkaLZ4BlockOutputStream and KafkaLZ4BlockInputStream of 2.6.3; the LZ4 frame format.
 */
import { compressSync, uncompressSync } from 'lz4-napi'
import { BoundedOutput, undecodable } from './output.ts'
import { xxhash32 } from './xxhash32.ts'

const FRAME_MAGIC = 0x184d2204
const BLOCK_BYTES = 65_536
/** Version 1, independent blocks; blocks of 64 KB. */
const DESCRIPTOR = [0x60, 0x40] as const
const FLAG = { blockChecksum: 16, contentSize: 8, contentChecksum: 4 } as const
const UNCOMPRESSED_BIT = 0x8000_0000
/** lz4-napi puts the size of the content, little endian, before a block. */
const SIZE_PREFIX_BYTES = 4
const END_MARK = Buffer.alloc(4)

const headerChecksum = (header: Buffer, descriptorAt: number, end: number): number => (xxhash32(header, descriptorAt, end) >>> 8) & 0xff

const frameHeader = (isMagic0: boolean): Buffer => {
  const header = Buffer.alloc(7)
  header.writeUInt32LE(FRAME_MAGIC, 0)
  header.set(DESCRIPTOR, 4)
  header[6] = headerChecksum(header, isMagic0 ? 0 : 4, 6)
  return header
}

const sizeField = (value: number): Buffer => {
  const field = Buffer.alloc(4)
  field.writeUInt32LE(value, 0)
  return field
}

export const compressLz4 = (bytes: Buffer, isMagic0: boolean): Buffer => {
  const parts = [frameHeader(isMagic0)]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const content = bytes.subarray(at, at + BLOCK_BYTES)
    const block = compressSync(content).subarray(SIZE_PREFIX_BYTES)
    if (block.length < content.length) parts.push(sizeField(block.length), block)
    else parts.push(sizeField((content.length | UNCOMPRESSED_BIT) >>> 0), content)
  }
  return Buffer.concat([...parts, END_MARK])
}

type Frame = { flags: number; maxBlockBytes: number; at: number }

const readHeader = (bytes: Buffer, isMagic0: boolean): Frame => {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== FRAME_MAGIC)
    throw undecodable('lz4', 'a frame starts with 04 22 4d 18 and a header of 3 bytes')
  const flags = bytes[4]!
  const blockSizeId = (bytes[5]! >> 4) & 7
  if (flags >> 6 !== 1 || (flags & 3) !== 0) throw undecodable('lz4', `its version and reserved bits are ${flags.toString(2)}`)
  if ((flags & 32) === 0) throw undecodable('lz4', 'its blocks depend on one another; Kafka needs independent ones')
  if ((bytes[5]! & 0x8f) !== 0 || blockSizeId < 4) throw undecodable('lz4', `its block size is given as ${bytes[5]}`)
  const at = flags & FLAG.contentSize ? 14 : 6
  if (bytes.length <= at) throw undecodable('lz4', 'it ends in its header')
  if (!isMagic0 && headerChecksum(bytes, 4, at) !== bytes[at]) throw undecodable('lz4', 'the checksum of its header does not hold')
  return { flags, maxBlockBytes: 256 << (2 * blockSizeId), at: at + 1 }
}

const decompressBlock = (block: Buffer, limitBytes: number): Buffer => {
  try {
    return uncompressSync(Buffer.concat([sizeField(limitBytes), block]))
  } catch (error) {
    throw undecodable('lz4', (error as Error).message, error)
  }
}

export const decompressLz4 = (bytes: Buffer, limitBytes: number, isMagic0: boolean): Buffer => {
  const { flags, maxBlockBytes, at: start } = readHeader(bytes, isMagic0)
  const output = new BoundedOutput(limitBytes)
  for (let at = start; ;) {
    if (bytes.length - at < 4) throw undecodable('lz4', 'it ends before its end mark')
    const field = bytes.readUInt32LE(at)
    const sizeBytes = (field & ~UNCOMPRESSED_BIT) >>> 0
    if (sizeBytes === 0) return output.bytes()
    const checksumBytes = flags & FLAG.blockChecksum ? 4 : 0
    if (sizeBytes > maxBlockBytes || sizeBytes + checksumBytes > bytes.length - at - 4)
      throw undecodable('lz4', `a block has ${sizeBytes} bytes`)
    const block = bytes.subarray(at + 4, at + 4 + sizeBytes)
    at += 4 + sizeBytes + checksumBytes
    if (checksumBytes > 0 && xxhash32(block) !== bytes.readUInt32LE(at - 4))
      throw undecodable('lz4', 'the checksum of a block does not hold')
    output.push(field >= UNCOMPRESSED_BIT ? block : decompressBlock(block, maxBlockBytes))
  }
}
