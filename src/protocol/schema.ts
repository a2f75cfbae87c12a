import { CodecFault, Reader, Writer } from './bytes.ts'
import { fieldReader, type Read } from './decode.ts'
import { fieldWriter, NotInVersion, type Write } from './encode.ts'
import { KafkaError } from './errors.ts'
import { type Field, parseVersions } from './field.ts'

export * from './field.ts'

/** One API of Kafka: all versions of its request and response. */
export interface Api<out Q = unknown, out P = unknown> {
  readonly key: number
  /** As in org.apache.kafka.common.protocol.ApiKeys. */
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** Infinity where no version is flexible. */
  readonly firstFlexibleVersion: number
  readonly request: Field<Q>
  readonly response: Field<P>
}

export type RequestOf<A> = A extends Api<infer Q> ? Q : never
export type ResponseOf<A> = A extends Api<unknown, infer P> ? P : never
/** What a handler may return: a field left out takes its default. */
export type ReplyOf<A> = Sendable<ResponseOf<A>>
/** What may be encoded: a field left out takes its default. */
export type Sendable<T> = T extends Buffer
  ? T
  : T extends readonly (infer U)[]
    ? readonly Sendable<U>[]
    : T extends object
      ? { readonly [K in keyof T]?: Sendable<T[K]> }
      : T

/** `versions` is '0-5' or '0'; `flexible` is '4+' or 'none'. */
export const api = <Q, P>(definition: {
  key: number
  name: string
  versions: string
  flexible: string
  request: Field<Q>
  response: Field<P>
}): Api<Q, P> => {
  const { key, name, versions, flexible, request, response } = definition
  const [minVersion, maxVersion] = parseVersions(versions)
  return { key, name, minVersion, maxVersion, firstFlexibleVersion: parseVersions(flexible)[0], request, response }
}

export const isSupported = (api: Api, version: number): boolean => version >= api.minVersion && version <= api.maxVersion
export const isFlexible = (api: Api, version: number): boolean => version >= api.firstFlexibleVersion

const checkVersion = (api: Api, version: number): void => {
  if (isSupported(api, version)) return
  throw new KafkaError('UNSUPPORTED_VERSION', `${api.name} has versions ${api.minVersion} to ${api.maxVersion}, not ${version}`)
}

/** Readers and writers are made once per message and version, when first needed. */
const readers = new WeakMap<Field, Read[]>()
const writers = new WeakMap<Field, Write[]>()

const readerOf = (api: Api, message: Field, version: number): Read => {
  const known = readers.get(message)?.[version]
  if (known) return known
  checkVersion(api, version)
  const read = fieldReader(message, version, isFlexible(api, version))
  readers.set(message, Object.assign(readers.get(message) ?? [], { [version]: read }))
  return read
}

const writerOf = (api: Api, message: Field, version: number): Write => {
  const known = writers.get(message)?.[version]
  if (known) return known
  checkVersion(api, version)
  const write = fieldWriter(message, version, isFlexible(api, version))
  writers.set(message, Object.assign(writers.get(message) ?? [], { [version]: write }))
  return write
}

const describe = (what: string, fault: CodecFault): string => {
  const path = fault.path.toReversed().join('/')
  return `${what}: ${path === '' ? '' : `${path}: `}${fault.message}`
}

const decode = (api: Api, side: 'request' | 'response', version: number, reader: Reader): unknown => {
  const read = readerOf(api, api[side], version)
  try {
    return read(reader)
  } catch (fault) {
    if (!(fault instanceof CodecFault)) throw fault
    throw new KafkaError('INVALID_REQUEST', describe(`${api.name} ${side} v${version}`, fault))
  }
}

/**
 * Writes a message at the end of `writer`. A value for a field that the version lacks is a KafkaError UNSUPPORTED_VERSION unless the field is
 * ignorable; a value of the wrong type is a TypeError (a bug of the caller). Both name the path.
 */
export const write = (api: Api, side: 'request' | 'response', version: number, value: unknown, writer: Writer): Writer => {
  try {
    writerOf(api, api[side], version)(writer, value)
  } catch (fault) {
    if (!(fault instanceof CodecFault)) throw fault
    const message = describe(`${api.name} ${side} v${version}`, fault)
    throw fault instanceof NotInVersion ? new KafkaError('UNSUPPORTED_VERSION', message) : new TypeError(message)
  }
  return writer
}

/**
 * Reads the body of a request from `bytes`, from `at` on (a header's `bodyOffset`). Bytes after it are ignored, as in Kafka.
 * KafkaError: INVALID_REQUEST with the path of the field for malformed bytes, UNSUPPORTED_VERSION.
 */
export const decodeRequest = <Q>(api: Api<Q>, version: number, bytes: Buffer, at = 0): Q =>
  decode(api, 'request', version, new Reader(bytes, at)) as Q

/** As decodeRequest. */
export const decodeResponse = <P>(api: Api<unknown, P>, version: number, bytes: Buffer, at = 0): P =>
  decode(api, 'response', version, new Reader(bytes, at)) as P

export const encodeRequest = <A extends Api>(api: A, version: number, request: Sendable<RequestOf<A>>): Buffer =>
  write(api, 'request', version, request, new Writer()).bytes()

export const encodeResponse = <A extends Api>(api: A, version: number, reply: ReplyOf<A>): Buffer =>
  write(api, 'response', version, reply, new Writer()).bytes()
