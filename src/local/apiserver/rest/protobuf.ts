import type { JsonObject, Json } from '../json.ts'
import { badRequest, unsupportedMediaType } from '../status.ts'

// kubectl sends what its typed commands make (create configmap, secret, serviceaccount, namespace; create token; drain; auth can-i) as protobuf. Field numbers: Kubernetes'
// generated.proto files. Other kinds are refused with 415: they arrive as JSON from `kubectl apply` and `create -f`.

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const MAGIC = Buffer.from('k8s\0')

type Type = 'string' | 'bytes' | 'int' | 'bool' | 'map' | 'bytesMap' | Message
type Field = { name: string; type: Type; isList?: boolean }
type Message = { [number: number]: Field }

const field = (name: string, type: Type = 'string'): Field => ({ name, type })
const list = (name: string, type: Type = 'string'): Field => ({ name, type, isList: true })

const METADATA: Message = {
  1: field('name'),
  2: field('generateName'),
  3: field('namespace'),
  5: field('uid'),
  6: field('resourceVersion'),
  11: field('labels', 'map'),
  12: field('annotations', 'map'),
  14: list('finalizers'),
}
const REFERENCE: Message = {
  1: field('kind'),
  2: field('namespace'),
  3: field('name'),
  4: field('uid'),
  5: field('apiVersion'),
  6: field('resourceVersion'),
}
const PRECONDITIONS: Message = { 1: field('uid'), 2: field('resourceVersion') }
const DELETE_OPTIONS: Message = {
  1: field('gracePeriodSeconds', 'int'),
  2: field('preconditions', PRECONDITIONS),
  3: field('orphanDependents', 'bool'),
  4: field('propagationPolicy'),
  5: list('dryRun'),
}
const ATTRIBUTES: Message = {
  1: field('namespace'),
  2: field('verb'),
  3: field('group'),
  4: field('version'),
  5: field('resource'),
  6: field('subresource'),
  7: field('name'),
}
const BOUND: Message = { 1: field('kind'), 2: field('apiVersion'), 3: field('name'), 4: field('uid') }

const KINDS: Record<string, Message> = {
  'v1/ConfigMap': {
    1: field('metadata', METADATA),
    2: field('data', 'map'),
    3: field('binaryData', 'bytesMap'),
    4: field('immutable', 'bool'),
  },
  'v1/Secret': {
    1: field('metadata', METADATA),
    2: field('data', 'bytesMap'),
    3: field('type'),
    4: field('stringData', 'map'),
    5: field('immutable', 'bool'),
  },
  'v1/Namespace': { 1: field('metadata', METADATA), 2: field('spec', {}), 3: field('status', {}) },
  'v1/ServiceAccount': {
    1: field('metadata', METADATA),
    2: list('secrets', REFERENCE),
    3: list('imagePullSecrets', { 1: field('name') }),
    4: field('automountServiceAccountToken', 'bool'),
  },
  'v1/DeleteOptions': DELETE_OPTIONS,
  'policy/v1/Eviction': { 1: field('metadata', METADATA), 2: field('deleteOptions', DELETE_OPTIONS) },
  'authentication.k8s.io/v1/TokenRequest': {
    1: field('metadata', METADATA),
    2: field('spec', { 1: list('audiences'), 3: field('boundObjectRef', BOUND), 4: field('expirationSeconds', 'int') }),
    3: field('status', {}),
  },
  'authorization.k8s.io/v1/SelfSubjectAccessReview': {
    1: field('metadata', METADATA),
    2: field('spec', {
      1: field('resourceAttributes', ATTRIBUTES),
      2: field('nonResourceAttributes', { 1: field('path'), 2: field('verb') }),
    }),
    3: field('status', {}),
  },
  'authentication.k8s.io/v1/SelfSubjectReview': { 1: field('metadata', METADATA), 2: field('status', {}) },
}
const ENVELOPE: Message = { 1: field('typeMeta', { 1: field('apiVersion'), 2: field('kind') }), 2: field('raw', 'bytes') }
const ENTRY: Message = { 1: field('key'), 2: field('value', 'bytes') }

/** Reads fields one by one; a length is checked against the bytes that are there. */
class Reader {
  readonly #bytes: Buffer
  #at = 0
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw badRequest('the protobuf message ends too early')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw badRequest('the protobuf message holds a number that is too long')
  }

  take(sizeBytes: number): Buffer {
    if (sizeBytes > this.#bytes.length - this.#at) throw badRequest('the protobuf message ends too early')
    this.#at += sizeBytes
    return this.#bytes.subarray(this.#at - sizeBytes, this.#at)
  }

  /** The value of a field by its wire type; a number for varints, else its bytes. */
  value(wireType: number): number | Buffer {
    if (wireType === 0) return this.varint()
    if (wireType === 2) return this.take(this.varint())
    if (wireType === 1) return this.take(8)
    if (wireType === 5) return this.take(4)
    throw badRequest(`the protobuf message has a field of wire type ${wireType}`)
  }
}

const decodeMessage = (bytes: Buffer, message: Message): JsonObject => {
  const reader = new Reader(bytes)
  const out: JsonObject = {}
  while (!reader.isAtEnd) {
    const tag = reader.varint()
    const raw = reader.value(tag & 7)
    const known = message[Math.floor(tag / 8)]
    if (known) assign(out, known, raw)
  }
  return out
}

const assign = (out: JsonObject, { name, type, isList }: Field, raw: number | Buffer): void => {
  if (type === 'map' || type === 'bytesMap') {
    const entry = decodeMessage(raw as Buffer, ENTRY)
    const value = Buffer.from(String((entry['value'] ?? '') as string), 'base64')
    const map = (out[name] ??= {}) as JsonObject
    map[String((entry['key'] ?? '') as string)] = type === 'map' ? value.toString() : value.toString('base64')
  } else if (isList) {
    const items = (out[name] ??= []) as Json[]
    items.push(scalar(raw, type))
  } else {
    const value = scalar(raw, type)
    // Go writes absent strings as empty ones.
    if (value !== '') out[name] = value
  }
}

const scalar = (raw: number | Buffer, type: Type): Json => {
  if (typeof raw === 'number') return type === 'bool' ? raw !== 0 : raw
  if (type === 'bytes') return raw.toString('base64')
  return typeof type === 'object' ? decodeMessage(raw, type) : raw.toString('utf8')
}

/** The object of a protobuf body (magic bytes, then runtime.Unknown), as JSON. */
export const decodeProtobuf = (bytes: Buffer): JsonObject => {
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw badRequest('the protobuf body must begin with the bytes "k8s" and 0')
  const envelope = decodeMessage(bytes.subarray(4), ENVELOPE)
  const { apiVersion = '', kind = '' } = (envelope['typeMeta'] ?? {}) as { apiVersion?: string; kind?: string }
  const message = KINDS[`${apiVersion}/${kind}`] ?? (kind === 'DeleteOptions' ? DELETE_OPTIONS : undefined)
  if (!message) throw unsupportedMediaType(['application/json', 'application/yaml'])
  return { apiVersion, kind, ...decodeMessage(Buffer.from(String((envelope['raw'] ?? '') as string), 'base64'), message) }
}
