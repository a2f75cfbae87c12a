import { describe, expect, test } from 'vitest'
import { apis, apiVersions, controlledShutdown, fetch, metadata, produce } from '../../src/protocol/api/index.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  requestFrame,
  responseFrame,
} from '../../src/protocol/header.ts'
import { decodeRequest, decodeResponse, isSupported } from '../../src/protocol/schema.ts'

const refusal = (bytes: Buffer): string => {
  try {
    decodeRequestHeader(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(KafkaError)
    return `${(error as KafkaError).error} ${(error as Error).message}`
  }
  throw new Error(`${bytes.toString('hex')} was read`)
}

describe('a request header', () => {
  test.each(apis.flatMap((api) => Array.from({ length: api.maxVersion + 1 }, (_, version) => ({ name: api.name, api, version }))))(
    'of $name v$version reads back',
    ({ api, version }) => {
      for (const clientId of [null, '', 'client']) {
        const bytes = encodeRequestHeader(api, version, { correlationId: -7, clientId })
        const hasNoClientId = api === controlledShutdown && version === 0
        expect(decodeRequestHeader(Buffer.concat([bytes, Buffer.from('body')]))).toEqual({
          apiKey: api.key,
          apiVersion: version,
          correlationId: -7,
          clientId: hasNoClientId ? null : clientId,
          bodyOffset: bytes.length,
        })
      }
    },
  )

  test('of a version that is yet to come is read, so that it can be answered', () => {
    const bytes = encodeRequestHeader(apiVersions, 999, { correlationId: 5, clientId: 'new' })
    expect(decodeRequestHeader(bytes)).toMatchObject({ apiKey: 18, apiVersion: 999, correlationId: 5, clientId: 'new' })
    expect(isSupported(apiVersions, 999)).toBe(false)
  })

  test('keeps its place before the body when it has tagged fields', () => {
    const plain = encodeRequestHeader(metadata, 9, { correlationId: 1, clientId: 'c' })
    const tagged = Buffer.concat([plain.subarray(0, -1), Buffer.from([1, 5, 2, 0xaa, 0xbb])])
    expect(decodeRequestHeader(tagged).bodyOffset).toBe(tagged.length)
  })

  test('that is cut off anywhere is refused with the field where it ends', () => {
    const bytes = encodeRequestHeader(metadata, 9, { correlationId: 1, clientId: 'client' })
    const refusals = Array.from({ length: bytes.length }, (_, length) => refusal(bytes.subarray(0, length)))
    expect(refusals.every((text) => text.startsWith('INVALID_REQUEST request header'))).toBe(true)
    expect(refusals[6]).toBe('INVALID_REQUEST request header/correlationId: needs 4 bytes, 2 are left')
    expect(refusals[12]).toBe('INVALID_REQUEST request header/clientId: needs 6 bytes, 2 are left')
  })

  test.each([-1, 52, 9999])('of the unknown API key %i is refused', (key) => {
    const bytes = Buffer.alloc(20)
    bytes.writeInt16BE(key)
    expect(refusal(bytes)).toBe(`INVALID_REQUEST request header: unknown API key ${key}`)
  })
})

describe('a response header', () => {
  test('reads back in both versions', () => {
    for (const [api, version, sizeBytes] of [[metadata, 8, 4] as const, [metadata, 9, 5] as const, [apiVersions, 3, 4] as const]) {
      const bytes = encodeResponseHeader(api, version, 77)
      expect(bytes).toHaveLength(sizeBytes)
      expect(decodeResponseHeader(api, version, bytes)).toEqual({ correlationId: 77, bodyOffset: sizeBytes })
    }
  })

  test('that is cut off is refused', () => {
    expect(() => decodeResponseHeader(metadata, 9, Buffer.alloc(4))).toThrow('response header/tagged fields: needs 1 bytes, 0 are left')
  })
})

describe('a frame', () => {
  test('of a request is its length, header and body', () => {
    const bytes = Buffer.concat(requestFrame(metadata, 9, { correlationId: 3, clientId: 'me' }, { topics: [{ name: 't' }] }))
    expect(bytes.readInt32BE()).toBe(bytes.length - 4)
    const frame = bytes.subarray(4)
    const { bodyOffset, ...header } = decodeRequestHeader(frame)
    expect(header).toEqual({ apiKey: 3, apiVersion: 9, correlationId: 3, clientId: 'me' })
    expect(decodeRequest(metadata, 9, frame, bodyOffset).topics).toEqual([{ name: 't' }])
  })

  test('of a response counts the records that it refers to', () => {
    const records = Buffer.alloc(100_000, 1)
    const chunks = responseFrame(fetch, 11, 4, { topics: [{ name: 't', partitions: [{ partitionIndex: 1, records }] }] })
    expect(chunks.at(-1)).toBe(records)
    const bytes = Buffer.concat(chunks)
    expect(bytes.readInt32BE()).toBe(bytes.length - 4)
    expect(decodeResponse(fetch, 11, bytes, 8).topics[0]!.partitions[0]!.records.equals(records)).toBe(true)
  })

  test('of a small message is one chunk', () => {
    expect(responseFrame(produce, 8, 1, { responses: [{ name: 't', partitions: [{ baseOffset: 5 }] }] })).toHaveLength(1)
  })
})
