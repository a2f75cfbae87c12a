import { asArray, asObject, asString, at, child, equal, fill, isObject, type JsonObject, type KubeObject } from '../json.ts'
import { invalidValue, required } from '../rest/metadata.ts'
import type { Strategy } from '../rest/strategy.ts'
import type { FieldError } from '../status.ts'

export const namespace: Strategy = {
  reset: ['status'],
  returnsDeleted: true,
  defaults: (object) => {
    if (object.metadata.name) fill(child(object.metadata, 'labels'), { 'kubernetes.io/metadata.name': object.metadata.name })
  },
  prepareCreate: (object) => {
    object['spec'] = { finalizers: ['kubernetes'] }
    object['status'] = { phase: 'Active' }
  },
  prepareUpdate: (object, old) => {
    if (old['spec'] !== undefined) object['spec'] = old['spec']
  },
}

export const service: Strategy = {
  reset: ['status'],
  returnsDeleted: true,
  defaults: (object) => {
    const spec = child(object, 'spec')
    fill(spec, { sessionAffinity: 'None', type: 'ClusterIP' })
    if (spec['type'] !== 'ExternalName') fill(spec, { internalTrafficPolicy: 'Cluster' })
    if (spec['type'] === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true })
    if (spec['type'] === 'LoadBalancer' || spec['type'] === 'NodePort') fill(spec, { externalTrafficPolicy: 'Cluster' })
    for (const port of asArray(spec['ports']).filter(isObject)) fill(port, { protocol: 'TCP', targetPort: port['port'] })
  },
  prepareCreate: (object) => {
    object['status'] = { loadBalancer: {} }
  },
  admit: (object, context) => {
    const spec = child(object, 'spec')
    if (spec['type'] === 'ExternalName') return
    const address = spec['clusterIP'] === 'None' ? 'None' : context.allocateAddress(asString(spec['clusterIP']))
    Object.assign(spec, { clusterIP: address, clusterIPs: [address] })
    const isOpen = address === 'None' && spec['selector'] === undefined
    fill(
      spec,
      isOpen
        ? { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }
        : { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    )
  },
  prepareUpdate: (object, old) => {
    if (at(object, 'spec', 'type') === 'ExternalName') return
    const keys = ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']
    const kept: JsonObject = {}
    for (const key of keys) if (at(old, 'spec', key) !== undefined) kept[key] = at(old, 'spec', key)
    fill(child(object, 'spec'), kept)
  },
  validate: (object, old) => serviceErrors(object, old),
}

const serviceErrors = (object: KubeObject, old: KubeObject | undefined): FieldError[] => {
  const spec = asObject(object['spec'])
  const ports = asArray(spec['ports']).map(asObject)
  const errors: FieldError[] = []
  if (ports.length === 0 && spec['clusterIP'] !== 'None' && spec['type'] !== 'ExternalName') errors.push(required('spec.ports'))
  const names = new Set<string>()
  ports.forEach((port, i) => {
    const name = asString(port['name'])
    if (!name && ports.length > 1) errors.push(required(`spec.ports[${i}].name`))
    else if (name && names.has(name))
      errors.push({ reason: 'FieldValueDuplicate', field: `spec.ports[${i}].name`, message: `Duplicate value: ${JSON.stringify(name)}` })
    names.add(name)
    const number = port['port']
    if (typeof number !== 'number' || number < 1 || number > 65_535)
      errors.push(invalidValue(`spec.ports[${i}].port`, number ?? 0, 'must be between 1 and 65535, inclusive'))
  })
  const address = at(old, 'spec', 'clusterIP')
  const isFixed = at(old, 'spec', 'type') !== 'ExternalName' && spec['type'] !== 'ExternalName'
  if (old && isFixed && address && !equal(address, spec['clusterIP'])) {
    errors.push(invalidValue('spec.clusterIPs[0]', spec['clusterIPs'], 'may not change once set'))
  }
  return errors
}

const decodable = (text: string): boolean =>
  /^[A-Za-z0-9+/]*={0,2}$/.test(text.replace(/\s/g, '')) && text.replace(/\s/g, '').length % 4 === 0
const KEY = /^[-._a-zA-Z0-9]+$/

const dataErrors = (object: KubeObject, fields: string[]): FieldError[] => {
  const errors: FieldError[] = []
  let sizeBytes = 0
  for (const field of fields) {
    for (const [key, value] of Object.entries(asObject(object[field]))) {
      if (!KEY.test(key)) errors.push(invalidValue(`${field}[${key}]`, key, KEY_WORDS))
      sizeBytes += Buffer.byteLength(asString(value))
    }
  }
  if (sizeBytes > DATA_LIMIT_BYTES * (object.kind === 'Secret' ? 4 / 3 : 1)) {
    errors.push({
      reason: 'FieldValueTooLong',
      field: object.kind === 'Secret' ? 'data' : '',
      message: `Too long: may not be more than ${DATA_LIMIT_BYTES} bytes`,
    })
  }
  return errors
}
const DATA_LIMIT_BYTES = 1 << 20
const KEY_WORDS =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

/** Data that was marked immutable stays, and so does the mark. */
const immutableErrors = (object: KubeObject, old: KubeObject | undefined, fields: string[]): FieldError[] => {
  if (old?.['immutable'] !== true) return []
  const errors: FieldError[] = []
  const message = 'Forbidden: field is immutable when `immutable` is set'
  if (object['immutable'] !== true) errors.push({ reason: 'FieldValueForbidden', field: 'immutable', message })
  for (const field of fields)
    if (!equal(object[field] ?? {}, old[field] ?? {})) errors.push({ reason: 'FieldValueForbidden', field, message })
  return errors
}

export const secret: Strategy = {
  reset: [],
  defaults: (object) => {
    fill(object, { type: 'Opaque' })
    const plain = object['stringData']
    if (!isObject(plain)) return
    const data = child(object, 'data')
    for (const [key, value] of Object.entries(plain)) data[key] = Buffer.from(asString(value)).toString('base64')
    delete object['stringData']
  },
  validate: (object, old) => {
    const errors = [...dataErrors(object, ['data']), ...immutableErrors(object, old, ['data'])]
    for (const [key, value] of Object.entries(asObject(object['data']))) {
      if (!decodable(asString(value))) errors.push(invalidValue(`data[${key}]`, '<redacted>', 'must be base64'))
    }
    if (old && !equal(object['type'], old['type'])) errors.push(invalidValue('type', object['type'], 'field is immutable'))
    return errors
  },
}

export const configMap: Strategy = {
  reset: [],
  validate: (object, old) => [...dataErrors(object, ['data', 'binaryData']), ...immutableErrors(object, old, ['data', 'binaryData'])],
}

export const node: Strategy = {
  reset: ['status'],
  prepareCreate: (object) => {
    fill(object, { spec: {}, status: {} })
    fill(child(object, 'status'), { daemonEndpoints: { kubeletEndpoint: { Port: 0 } } })
  },
}

export const event: Strategy = {
  reset: [],
  createsOnUpdate: true,
  validate: (object) => {
    const involved = asString(at(object, 'involvedObject', 'namespace')) || 'default'
    if (object.metadata.namespace === involved) return []
    return [invalidValue('involvedObject.namespace', asString(at(object, 'involvedObject', 'namespace')), 'does not match event.namespace')]
  },
}
