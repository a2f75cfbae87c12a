import { timestamp } from '../../../kube/time.ts'
import { randomUUID } from 'node:crypto'
import { asArray, asObject, asString, child, isObject, type JsonObject, type KubeObject, type Metadata } from '../json.ts'
import { badRequest, type FieldError } from '../status.ts'
import type { Call, Server } from './context.ts'

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SERVICE = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
export const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const SERVICE_WORDS =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
const QUALIFIED_WORDS =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const VALUE_WORDS =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const ANNOTATIONS_LIMIT_BYTES = 256 * 1024

export const invalidValue = (field: string, value: unknown, words: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${words}`,
})
export const required = (field: string, words = ''): FieldError => ({
  reason: 'FieldValueRequired',
  field,
  message: words ? `Required value: ${words}` : 'Required value',
})

const nameRule = (kind: string): { pattern: RegExp; words: string; limit: number } => {
  if (kind === 'Service') return { pattern: SERVICE, words: SERVICE_WORDS, limit: 63 }
  if (kind === 'Namespace') return { pattern: LABEL, words: LABEL_WORDS, limit: 63 }
  if (/^(Cluster)?Role(Binding)?$/.test(kind)) return { pattern: /^[^/%]+$/, words: `may not contain '/' or '%'`, limit: 253 }
  return { pattern: SUBDOMAIN, words: SUBDOMAIN_WORDS, limit: 253 }
}

const validateLabels = (labels: JsonObject, path: string): FieldError[] =>
  Object.entries(labels).flatMap(([key, value]) => {
    const text = asString(value)
    return [
      ...(QUALIFIED.test(key) ? [] : [invalidValue(path, key, QUALIFIED_WORDS)]),
      ...(VALUE.test(text) ? [] : [invalidValue(path, text, VALUE_WORDS)]),
      ...(text.length <= 63 ? [] : [invalidValue(path, text, 'must be no more than 63 bytes')]),
    ]
  })

export const validateMetadata = (object: KubeObject): FieldError[] => {
  const { metadata, kind } = object
  const rule = nameRule(kind)
  const errors: FieldError[] = []
  if (!metadata.name) errors.push(required('metadata.name', 'name or generateName is required'))
  else if (metadata.name.length > rule.limit)
    errors.push(invalidValue('metadata.name', metadata.name, `must be no more than ${rule.limit} bytes`))
  else if (!rule.pattern.test(metadata.name)) errors.push(invalidValue('metadata.name', metadata.name, rule.words))
  errors.push(...validateLabels(asObject(metadata.labels), 'metadata.labels'))
  const annotations = Object.entries(asObject(metadata.annotations))
  for (const [key] of annotations)
    if (!QUALIFIED.test(key.toLowerCase())) errors.push(invalidValue('metadata.annotations', key, QUALIFIED_WORDS))
  const sizeBytes = annotations.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(asString(value)), 0)
  if (sizeBytes > ANNOTATIONS_LIMIT_BYTES) {
    errors.push({
      reason: 'FieldValueTooLong',
      field: 'metadata.annotations',
      message: `Too long: may not be more than ${ANNOTATIONS_LIMIT_BYTES} bytes`,
    })
  }
  asArray(metadata.ownerReferences).forEach((owner, i) => {
    for (const key of ['apiVersion', 'kind', 'name', 'uid']) {
      if (!asString(asObject(owner)[key]))
        errors.push(invalidValue(`metadata.ownerReferences[${i}].${key}`, '', `${key} must not be empty`))
    }
  })
  return errors
}

const checkKind = ({ resource }: Call, body: JsonObject): void => {
  if (!asString(body['apiVersion']) && !asString(body['kind']) && !resource.custom) {
    Object.assign(body, { apiVersion: resource.groupVersion, kind: resource.kind })
  }
  const [kind, version] = [asString(body['kind']), asString(body['apiVersion'])]
  if (kind === '') throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(body).slice(0, 200)}'`)
  if (version === resource.groupVersion && kind === resource.kind) return
  const conversion = `converting (${version.replace('/', '.')}.${kind}) to (${resource.group || 'core'}.${resource.kind}): unknown conversion`
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${resource.kind}: ${conversion}`)
}

/** Checks that the body is an object of the resource, and gives it the name and namespace of the path. */
export const adoptBody = (call: Call, body: JsonObject): KubeObject => {
  checkKind(call, body)
  const metadata = child(body, 'metadata')
  for (const key of ['labels', 'annotations', 'finalizers', 'ownerReferences']) if (isEmpty(metadata[key])) delete metadata[key]
  if (call.name && metadata['name'] && metadata['name'] !== call.name) {
    throw badRequest(`the name of the object (${asString(metadata['name'])}) does not match the name on the URL (${call.name})`)
  }
  if (call.name) metadata['name'] = call.name
  adoptNamespace(call, metadata)
  return body as KubeObject
}

const adoptNamespace = (call: Call, metadata: JsonObject): void => {
  if (!call.resource.namespaced) delete metadata['namespace']
  else if (metadata['namespace'] && metadata['namespace'] !== call.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  } else metadata['namespace'] = call.namespace
}

const isEmpty = (value: unknown): boolean =>
  value === null || (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0)

/** The fields of a new object's metadata that only the server writes. */
export const initialMetadata = (server: Server, object: KubeObject, hasGeneration: boolean): void => {
  const { metadata } = object
  const base = asString(metadata['generateName'])
  if (!metadata.name && base) metadata.name = base.slice(0, 58) + server.creation.random(5)
  for (const key of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'generation', 'resourceVersion'])
    delete (metadata as JsonObject)[key]
  metadata.uid = randomUUID()
  metadata.creationTimestamp = timestamp(server.wall.nowMs())
  if (hasGeneration) metadata.generation = 1
}

const KEPT: (keyof Metadata)[] = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'generateName',
]

/** An update cannot change what the server wrote. */
export const keepMetadata = (object: KubeObject, old: KubeObject): void => {
  for (const key of KEPT) {
    if (old.metadata[key] === undefined) delete object.metadata[key]
    else object.metadata[key] = old.metadata[key]
  }
  delete (object.metadata as JsonObject)['selfLink']
}

export const newFinalizers = (object: KubeObject, old: KubeObject): FieldError[] => {
  if (!old.metadata.deletionTimestamp) return []
  const added = asArray(object.metadata.finalizers).filter((one) => !asArray(old.metadata.finalizers).includes(one))
  if (added.length === 0) return []
  const list = added.map((one) => JSON.stringify(one)).join(', ')
  return [
    {
      reason: 'FieldValueForbidden',
      field: 'metadata.finalizers',
      message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    },
  ]
}
