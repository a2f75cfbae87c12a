import { apis } from './api/index.ts'
import { CodecFault, Reader, Writer } from './bytes.ts'
import { fieldReader } from './decode.ts'
import { fieldWriter } from './encode.ts'
import { KafkaError } from './errors.ts'
import { int16, int32, string, struct } from './field.ts'
import { type Api, isFlexible, type ReplyOf, type RequestOf, type Sendable, write } from './schema.ts'

/** v1 adds clientId, which stays in the old form so that a broker can read the header of any future ApiVersions request; v2 is flexible. */
export const requestHeader = struct({
  requestApiKey: int16(),
  requestApiVersion: int16(),
  correlationId: int32(),
  clientId: string({ versions: '1+', nullable: '1+', ignorable: true, flexible: 'none' }),
})
/** v1 is flexible. */
export const responseHeader = struct({ correlationId: int32() })

const CONTROLLED_SHUTDOWN = 7
const API_VERSIONS = 18
const requestReaders = [0, 1, 2].map((version) => fieldReader(requestHeader, version, version >= 2))
const requestWriters = [0, 1, 2].map((version) => fieldWriter(requestHeader, version, version >= 2))
const responseReaders = [0, 1].map((version) => fieldReader(responseHeader, version, version >= 1))
const responseWriters = [0, 1].map((version) => fieldWriter(responseHeader, version, version >= 1))

/** ControlledShutdown v0 alone has the header without a client id. Defined for versions that we do not serve, too. */
export const requestHeaderVersion = (api: Api, version: number): number => {
  if (isFlexible(api, version)) return 2
  return api.key === CONTROLLED_SHUTDOWN && version === 0 ? 0 : 1
}

/** An ApiVersions response never has the flexible header: its reader does not yet know what the broker speaks. */
export const responseHeaderVersion = (api: Api, version: number): number => (isFlexible(api, version) && api.key !== API_VERSIONS ? 1 : 0)

export type RequestHeader = {
  apiKey: number
  apiVersion: number
  correlationId: number
  /** null where the client sends none. */
  clientId: string | null
}

const malformed = (what: string, fault: unknown): unknown =>
  fault instanceof CodecFault
    ? new KafkaError('INVALID_REQUEST', `${[what, ...fault.path.toReversed()].join('/')}: ${fault.message}`)
    : fault

/**
 * Reads the header at the start of a request (the frame without its length). The version may be one that we do not serve: isSupported tells.
 * KafkaError INVALID_REQUEST for malformed bytes and for an unknown API key; Kafka closes the connection then.
 */
export const decodeRequestHeader = (bytes: Buffer): RequestHeader & { bodyOffset: number } => {
  const reader = new Reader(bytes)
  try {
    const apiKey = reader.int16()
    const apiVersion = reader.int16()
    const api = apis[apiKey]
    if (!api) throw new CodecFault(`unknown API key ${apiKey}`)
    reader.at = 0
    const headerVersion = requestHeaderVersion(api, apiVersion)
    const { correlationId, clientId } = requestReaders[headerVersion]!(reader) as { correlationId: number; clientId: string | null }
    return { apiKey, apiVersion, correlationId, clientId: headerVersion === 0 ? null : clientId, bodyOffset: reader.at }
  } catch (fault) {
    throw malformed('request header', fault)
  }
}

/** KafkaError INVALID_REQUEST for malformed bytes. */
export const decodeResponseHeader = (api: Api, version: number, bytes: Buffer): { correlationId: number; bodyOffset: number } => {
  const reader = new Reader(bytes)
  try {
    const { correlationId } = responseReaders[responseHeaderVersion(api, version)]!(reader) as { correlationId: number }
    return { correlationId, bodyOffset: reader.at }
  } catch (fault) {
    throw malformed('response header', fault)
  }
}

type Sender = { correlationId: number; clientId: string | null }

const writeRequestHeader = (api: Api, version: number, { correlationId, clientId }: Sender, writer: Writer): void =>
  requestWriters[requestHeaderVersion(api, version)]!(writer, {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId,
    clientId,
  })

const writeResponseHeader = (api: Api, version: number, correlationId: number, writer: Writer): void =>
  responseWriters[responseHeaderVersion(api, version)]!(writer, { correlationId })

export const encodeRequestHeader = (api: Api, version: number, sender: Sender): Buffer => {
  const writer = new Writer()
  writeRequestHeader(api, version, sender, writer)
  return writer.bytes()
}

export const encodeResponseHeader = (api: Api, version: number, correlationId: number): Buffer => {
  const writer = new Writer()
  writeResponseHeader(api, version, correlationId, writer)
  return writer.bytes()
}

const LENGTH_BYTES = 4

const frame = (writeMessage: (writer: Writer) => void): Buffer[] => {
  const writer = new Writer({ byReference: true })
  writer.int32(0)
  writeMessage(writer)
  const chunks = writer.chunks()
  chunks[0]!.writeInt32BE(writer.sizeBytes - LENGTH_BYTES)
  return chunks
}

/** Length, header and body as they go to the socket, in order; large `records` by reference, which the caller must not change until they are sent. Errors: those of encodeRequest. */
export const requestFrame = <A extends Api>(api: A, version: number, sender: Sender, request: Sendable<RequestOf<A>>): Buffer[] =>
  frame((writer) => {
    writeRequestHeader(api, version, sender, writer)
    write(api, 'request', version, request, writer)
  })

/** Length, header and body as they go to the socket, in order; large `records` as in requestFrame. Errors: those of encodeResponse. */
export const responseFrame = <A extends Api>(api: A, version: number, correlationId: number, reply: ReplyOf<A>): Buffer[] =>
  frame((writer) => {
    writeResponseHeader(api, version, correlationId, writer)
    write(api, 'response', version, reply, writer)
  })
