import type { ReadRecord } from '../../client/record-reader.ts'
import { UsageError } from '../command.ts'

const utf8 = new TextDecoder('utf8', { fatal: true })

/** Text where it is some; else base64, so that nothing is lost. */
const jsonOf = (bytes: Buffer | null): unknown => {
  if (bytes === null) return null
  try {
    return utf8.decode(bytes)
  } catch {
    return { base64: bytes.toString('base64') }
  }
}

export const jsonLine = ({ key, value, headers, ...record }: ReadRecord): string =>
  `${JSON.stringify({ ...record, key: jsonOf(key), value: jsonOf(value), headers: headers.map((header) => ({ key: header.key, value: jsonOf(header.value) })) })}\n`

const FIELDS: Readonly<Record<string, (record: ReadRecord) => string | Buffer | null>> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  T: ({ timestampMs }) => String(timestampMs),
  k: ({ key }) => key,
  v: ({ value }) => value,
  h: ({ headers }) => headers.map(({ key, value }) => `${key}=${value?.toString('utf8') ?? ''}`).join(','),
  '%': () => '%',
}
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\' }

/** kcat's way to say how a record is printed. Keys and values come out as the bytes that they are; those that are null as nothing. */
export const formatter = (format: string): ((record: ReadRecord) => Buffer) => {
  const parts = [...format.matchAll(/%(.)|\\(.)|[^%\\]+|[%\\]$/gs)].map(([text, field, escape]) => {
    if (field !== undefined) {
      const write = FIELDS[field]
      if (!write) throw new UsageError(`--format: there is no %${field}; write one of %${Object.keys(FIELDS).join(' %')}`)
      return write
    }
    return escape === undefined ? text : (ESCAPES[escape] ?? `\\${escape}`)
  })
  return (record) =>
    Buffer.concat(
      parts.map((part) => {
        const value = typeof part === 'function' ? part(record) : part
        return value === null ? Buffer.alloc(0) : Buffer.from(value as string)
      }),
    )
}

export const counted = (records: number): string => `${records} record${records === 1 ? '' : 's'}`
