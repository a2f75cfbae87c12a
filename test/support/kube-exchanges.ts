import { request } from 'node:https'
import { eventually } from './net.ts'

/** One request of the contract between the local API server and a real one. `{rv NAME}` in a body is the resourceVersion that the step NAME answered, `{uid NAME}` its uid. */
export type Step = { name: string; method: string; path: string; body?: unknown; type?: string; accept?: string; ignore?: string[] }
export type Answer = { name: string; code: number; warning?: string; body: unknown }
export type Target = { url: string; ca: string; token: string }

const JSON_TYPE = 'application/json'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

type RawAnswer = { code: number; headers: Record<string, unknown>; text: string }
export const ask = (target: Target, step: Omit<Step, 'name'>, timeoutMs = 10_000): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const body = step.body === undefined ? undefined : typeof step.body === 'string' ? step.body : JSON.stringify(step.body)
    const call = request(target.url + step.path, {
      method: step.method,
      ca: target.ca,
      timeout: timeoutMs,
      headers: {
        authorization: `Bearer ${target.token}`,
        accept: step.accept ?? JSON_TYPE,
        'user-agent': 'contract/1',
        ...(body === undefined ? {} : { 'content-type': step.type ?? JSON_TYPE, 'content-length': Buffer.byteLength(body) }),
      },
    })
    call.on('error', reject)
    call.on('timeout', () => call.destroy(new Error(`no answer to ${step.method} ${step.path}`)))
    call.on('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve({ code: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() }))
      answer.on('error', reject)
    })
    call.end(body)
  })

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

const text = (value: string): string =>
  value
    .replace(UUID, '<uid>')
    .replace(TIME, '<time>')
    .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<random>')
    .replace(/\b(gen-)[a-z0-9]{5}\b/g, '$1<random>')
    .replace(/\b10\.96\.\d+\.\d+\b/g, '<ip>')

/** What differs from run to run becomes a word; '.' marks in managedFields depend on Go's structs and are left out. */
export const normalise = (value: unknown, ignore: readonly string[] = [], path = ''): unknown => {
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) {
    const items = value.map((item) => normalise(item, ignore, `${path}[]`))
    return path.endsWith('managedFields') ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value).sort()) {
    const at = path ? `${path}.${key}` : key
    if (ignore.includes(at) || isIncidental(key, path)) continue
    out[text(key)] = key === 'resourceVersion' ? '<rv>' : normalise((value as Record<string, unknown>)[key], ignore, at)
  }
  return out
}

const isIncidental = (key: string, path: string): boolean =>
  key === 'description' || (key === '.' && path.includes('fieldsV1')) || (key === 'time' && path.endsWith('managedFields[]'))

const parse = (raw: string): unknown => {
  try {
    return JSON.parse(raw)
  } catch {
    return raw
  }
}

/** Plays all steps in order and gives the normalised answers. */
export const play = async (target: Target, steps: readonly Step[]): Promise<Answer[]> => {
  const seen = new Map<string, { resourceVersion?: string; uid?: string }>()
  const fill = (words: string): string =>
    words.replace(
      /\{(rv|uid) ([^}]+)\}/g,
      (_all, kind: string, name: string) => (kind === 'rv' ? seen.get(name)?.resourceVersion : seen.get(name)?.uid) ?? `no ${name}`,
    )
  const answers: Answer[] = []
  for (const step of steps) {
    const body = step.body === undefined ? undefined : fill(typeof step.body === 'string' ? step.body : JSON.stringify(step.body))
    const raw = await ask(target, { ...step, path: fill(step.path), body })
    const parsed = parse(raw.text) as { metadata?: { resourceVersion?: string; uid?: string } }
    if (parsed?.metadata) seen.set(step.name, parsed.metadata)
    const warning = raw.headers['warning']
    answers.push({
      name: step.name,
      code: raw.code,
      ...(warning ? { warning: String(warning as string) } : {}),
      body: normalise(parsed, step.ignore),
    })
  }
  return answers
}

const PATCH = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}
const NS = '/api/v1/namespaces/contract'
const APPS = '/apis/apps/v1/namespaces/contract'
const CR = '/apis/example.sofakafka.io/v1/namespaces/contract/widgets'

const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.sofakafka.io' },
  spec: {
    group: 'example.sofakafka.io',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['sofakafka'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size', labelSelectorPath: '.status.selector' },
        },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Note', type: 'string', jsonPath: '.spec.note', priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['owner'],
                properties: {
                  owner: { type: 'string', maxLength: 10 },
                  size: { type: 'integer', minimum: 1, maximum: 9, default: 3 },
                  note: { type: 'string', pattern: '^[a-z ]*$' },
                  mode: { type: 'string', enum: ['Retain', 'Delete'], default: 'Retain' },
                  config: {
                    type: 'object',
                    maxProperties: 5,
                    additionalProperties: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
                  },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  parts: {
                    type: 'array',
                    maxItems: 5,
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: { type: 'string', maxLength: 20 }, count: { type: 'integer' } },
                    },
                  },
                  tags: { type: 'array', maxItems: 5, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 20 } },
                },
                'x-kubernetes-validations': [
                  { rule: 'self.owner == oldSelf.owner', message: 'owner is immutable' },
                  { rule: "!has(self.note) || !self.note.startsWith('bad')", messageExpression: "'the note ' + self.note + ' is bad'" },
                  {
                    rule: '!has(self.config) || !self.config.exists(k, k == "broker.id")',
                    message: 'broker.id is set by the operator',
                    fieldPath: '.config',
                    reason: 'FieldValueForbidden',
                  },
                  {
                    rule: '!has(oldSelf.parts) || !has(self.parts) || self.parts.size() >= oldSelf.parts.size()',
                    message: 'parts cannot shrink',
                  },
                ],
              },
              status: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  selector: { type: 'string' },
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: { type: 'object', required: ['type'], properties: { type: { type: 'string' }, status: { type: 'string' } } },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
}
const widget = (name: string, spec: unknown): unknown => ({
  apiVersion: 'example.sofakafka.io/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
})
const configMap = (name: string, data: unknown, metadata: object = {}): unknown => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})
const template = (image: string): unknown => ({
  metadata: { labels: { a: 'b' } },
  spec: { containers: [{ name: 'c', image, ports: [{ containerPort: 80 }] }] },
})
const statefulSet = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'ss' },
  spec: {
    serviceName: 's2',
    replicas: 0,
    selector: { matchLabels: { a: 'b' } },
    template: template('i:1'),
    volumeClaimTemplates: [
      { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    ],
  },
}

/** Made ready before the steps: a namespace with its default service account, and an established kind. */
export const prepare = async (target: Target): Promise<void> => {
  await ask(target, { method: 'DELETE', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.sofakafka.io' })
  await ask(target, { method: 'DELETE', path: NS })
  await eventually(
    async () => (await ask(target, { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'contract' } } })).code === 201,
    {
      timeoutMs: 60_000,
    },
  )
  await eventually(
    async () =>
      (await ask(target, { method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body: CRD })).code === 201,
    { timeoutMs: 30_000 },
  )
  await eventually(async () => (await ask(target, { method: 'GET', path: CR })).code === 200, { timeoutMs: 30_000 })
}

/** A real cluster has controllers, which make the service account that pods need. */
export const awaitServiceAccount = (target: Target): Promise<boolean> =>
  eventually(async () => (await ask(target, { method: 'GET', path: `${NS}/serviceaccounts/default` })).code === 200)

const STATUS = ['status']
export const steps: readonly Step[] = [
  { name: 'create', method: 'POST', path: `${NS}/configmaps`, body: configMap('a', { k: 'v' }, { labels: { app: 'x' } }) },
  { name: 'create again', method: 'POST', path: `${NS}/configmaps`, body: configMap('a', {}) },
  {
    name: 'create with generateName',
    method: 'POST',
    path: `${NS}/configmaps`,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } },
  },
  { name: 'create with a bad name', method: 'POST', path: `${NS}/configmaps`, body: configMap('A_b', {}) },
  {
    name: 'create with a bad label',
    method: 'POST',
    path: `${NS}/configmaps`,
    body: configMap('bad-label', {}, { labels: { 'a b': '-' } }),
  },
  { name: 'create with a resourceVersion', method: 'POST', path: `${NS}/configmaps`, body: configMap('rv', {}, { resourceVersion: '5' }) },
  { name: 'create in an absent namespace', method: 'POST', path: '/api/v1/namespaces/nowhere/configmaps', body: configMap('a', {}) },
  {
    name: 'create of another kind',
    method: 'POST',
    path: `${NS}/configmaps`,
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } },
  },
  { name: 'create with another namespace', method: 'POST', path: `${NS}/configmaps`, body: configMap('x', {}, { namespace: 'default' }) },
  {
    name: 'create with an unknown field',
    method: 'POST',
    path: `${NS}/configmaps`,
    body: { ...(configMap('warned', {}) as object), datum: 1 },
  },
  {
    name: 'create strictly with an unknown field',
    method: 'POST',
    path: `${NS}/configmaps?fieldValidation=Strict`,
    body: { ...(configMap('strict', {}) as object), datum: 1 },
  },
  { name: 'dry run', method: 'POST', path: `${NS}/configmaps?dryRun=All`, body: configMap('dry', {}) },
  { name: 'get after dry run', method: 'GET', path: `${NS}/configmaps/dry` },
  { name: 'get', method: 'GET', path: `${NS}/configmaps/a` },
  { name: 'get absent', method: 'GET', path: `${NS}/configmaps/zz` },
  { name: 'get absent of a group', method: 'GET', path: `${APPS}/statefulsets/zz` },
  { name: 'list by label', method: 'GET', path: `${NS}/configmaps?labelSelector=app%3Dx` },
  { name: 'list by set', method: 'GET', path: `${NS}/configmaps?labelSelector=app+in+(x,y),!other` },
  { name: 'list by name', method: 'GET', path: `${NS}/configmaps?fieldSelector=metadata.name%3Da` },
  { name: 'list by unknown field', method: 'GET', path: `${NS}/configmaps?fieldSelector=data.k%3Da` },
  { name: 'table', method: 'GET', path: `${NS}/configmaps?labelSelector=app%3Dx`, accept: TABLE, ignore: ['rows[].cells'] },
  { name: 'unknown resource', method: 'GET', path: `${NS}/gadgets` },
  { name: 'unknown group', method: 'GET', path: '/apis/nope/v1/things' },
  { name: 'post to an object', method: 'POST', path: `${NS}/configmaps/a`, body: configMap('a', {}) },
  { name: 'update', method: 'PUT', path: `${NS}/configmaps/a`, body: configMap('a', { k: 'w', l: 'm' }, { resourceVersion: '{rv get}' }) },
  {
    name: 'update with an old version',
    method: 'PUT',
    path: `${NS}/configmaps/a`,
    body: configMap('a', {}, { resourceVersion: '{rv get}' }),
  },
  { name: 'update with another uid', method: 'PUT', path: `${NS}/configmaps/a`, body: configMap('a', {}, { uid: 'other' }) },
  { name: 'update of an absent object', method: 'PUT', path: `${NS}/configmaps/zz`, body: configMap('zz', {}) },
  { name: 'update under another name', method: 'PUT', path: `${NS}/configmaps/a`, body: configMap('b', {}) },
  {
    name: 'json patch',
    method: 'PATCH',
    path: `${NS}/configmaps/a`,
    type: PATCH.json,
    body: [
      { op: 'add', path: '/data/n', value: '1' },
      { op: 'remove', path: '/data/l' },
    ],
  },
  {
    name: 'json patch with a failed test',
    method: 'PATCH',
    path: `${NS}/configmaps/a`,
    type: PATCH.json,
    body: [{ op: 'test', path: '/data/n', value: '2' }],
  },
  {
    name: 'merge patch',
    method: 'PATCH',
    path: `${NS}/configmaps/a`,
    type: PATCH.merge,
    body: { data: { n: null, o: 'p' }, metadata: { annotations: { x: 'y' } } },
  },
  {
    name: 'merge patch with an old version',
    method: 'PATCH',
    path: `${NS}/configmaps/a`,
    type: PATCH.merge,
    body: { metadata: { resourceVersion: '{rv get}' } },
  },
  { name: 'patch that changes nothing', method: 'PATCH', path: `${NS}/configmaps/a`, type: PATCH.merge, body: { data: { o: 'p' } } },
  { name: 'patch of unknown type', method: 'PATCH', path: `${NS}/configmaps/a`, type: 'text/plain', body: '{}' },
  {
    name: 'apply creates',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=one`,
    type: PATCH.apply,
    body: configMap('applied', { a: '1', b: '2' }),
  },
  {
    name: 'apply conflict',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=two`,
    type: PATCH.apply,
    body: configMap('applied', { a: '9' }),
  },
  {
    name: 'apply two conflicts',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=two`,
    type: PATCH.apply,
    body: configMap('applied', { a: '9', b: '8' }),
  },
  {
    name: 'apply shared value',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=two`,
    type: PATCH.apply,
    body: configMap('applied', { a: '1', c: '3' }),
  },
  {
    name: 'apply forced',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=two&force=true`,
    type: PATCH.apply,
    body: configMap('applied', { a: '9' }),
  },
  {
    name: 'apply drops a field',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=one`,
    type: PATCH.apply,
    body: configMap('applied', {}),
  },
  {
    name: 'apply again',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=one`,
    type: PATCH.apply,
    body: configMap('applied', {}),
  },
  { name: 'apply without a manager', method: 'PATCH', path: `${NS}/configmaps/applied`, type: PATCH.apply, body: configMap('applied', {}) },
  {
    name: 'apply yaml',
    method: 'PATCH',
    path: `${NS}/configmaps/yaml?fieldManager=one`,
    type: PATCH.apply,
    body: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: b\n',
  },
  {
    name: 'secret',
    method: 'POST',
    path: `${NS}/secrets`,
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { p: 'q' } },
  },
  { name: 'secret type is fixed', method: 'PATCH', path: `${NS}/secrets/s`, type: PATCH.merge, body: { type: 'x/y' } },
  {
    name: 'service',
    method: 'POST',
    path: `${NS}/services`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's1' }, spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } },
  },
  {
    name: 'service headless',
    method: 'POST',
    path: `${NS}/services`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's2' }, spec: { clusterIP: 'None', ports: [{ port: 80, name: 'x' }] } },
  },
  {
    name: 'service without ports',
    method: 'POST',
    path: `${NS}/services`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's3' }, spec: {} },
  },
  {
    name: 'service update keeps the address',
    method: 'PUT',
    path: `${NS}/services/s1`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's1' }, spec: { selector: { a: 'c' }, ports: [{ port: 81 }] } },
  },
  {
    name: 'service apply of ports',
    method: 'PATCH',
    path: `${NS}/services/s4?fieldManager=one`,
    type: PATCH.apply,
    body: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's4' },
      spec: {
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'b' },
        ],
      },
    },
  },
  {
    name: 'service apply of fewer ports',
    method: 'PATCH',
    path: `${NS}/services/s4?fieldManager=one`,
    type: PATCH.apply,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's4' }, spec: { ports: [{ port: 81, name: 'b' }] } },
  },
  { name: 'statefulset', method: 'POST', path: `${APPS}/statefulsets`, body: statefulSet },
  {
    name: 'statefulset field is fixed',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss`,
    type: PATCH.merge,
    body: { spec: { serviceName: 'other' } },
  },
  {
    name: 'statefulset strategic',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss`,
    type: PATCH.strategic,
    body: {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'c', image: 'i:2' },
              { name: 'd', image: 'j:1' },
            ],
          },
        },
      },
    },
    ignore: [...STATUS, 'metadata.managedFields'],
  },
  {
    name: 'statefulset strategic delete',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss`,
    type: PATCH.strategic,
    body: { spec: { template: { spec: { containers: [{ $patch: 'delete', name: 'd' }] } } } },
    ignore: [...STATUS, 'metadata.managedFields'],
  },
  {
    name: 'statefulset type error',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss`,
    type: PATCH.merge,
    body: { spec: { replicas: 'x' } },
    ignore: ['message', 'details.causes[].message'],
  },
  {
    name: 'statefulset without selector',
    method: 'POST',
    path: `${APPS}/statefulsets`,
    body: { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'bad' }, spec: { serviceName: 's', template: template('i') } },
  },
  { name: 'statefulset scale', method: 'GET', path: `${APPS}/statefulsets/ss/scale` },
  {
    name: 'statefulset scale patch',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss/scale`,
    type: PATCH.merge,
    body: { spec: { replicas: 0 } },
  },
  {
    name: 'deployment',
    method: 'POST',
    path: `${APPS}/deployments`,
    body: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template: template('i:1') },
    },
  },
  {
    name: 'claim',
    method: 'POST',
    path: `${NS}/persistentvolumeclaims`,
    body: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'p' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } },
    },
    ignore: ['metadata.finalizers'],
  },
  {
    name: 'budget',
    method: 'POST',
    path: '/apis/policy/v1/namespaces/contract/poddisruptionbudgets',
    body: {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b' },
      spec: { maxUnavailable: 1, selector: { matchLabels: { z: 'z' } } },
    },
  },
  {
    name: 'lease',
    method: 'POST',
    path: '/apis/coordination.k8s.io/v1/namespaces/contract/leases',
    body: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'l' },
      spec: { holderIdentity: 'me', leaseDurationSeconds: 15 },
    },
  },
  {
    name: 'pod',
    method: 'POST',
    path: `${NS}/pods`,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', labels: { a: 'b' } },
      spec: {
        nodeSelector: { none: 'x' },
        containers: [
          {
            name: 'c',
            image: 'x/y',
            env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
            readinessProbe: { httpGet: { path: '/', port: 80 } },
          },
        ],
      },
    },
  },
  {
    name: 'pod without containers',
    method: 'POST',
    path: `${NS}/pods`,
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'q' }, spec: { containers: [] } },
  },
  {
    name: 'pod spec is fixed',
    method: 'PATCH',
    path: `${NS}/pods/p`,
    type: PATCH.merge,
    body: { spec: { restartPolicy: 'Never' } },
    ignore: ['message', 'details.causes[].message'],
  },
  { name: 'pod delete while not scheduled', method: 'DELETE', path: `${NS}/pods/p`, ignore: [...STATUS, 'metadata.managedFields'] },
  {
    name: 'widget',
    method: 'POST',
    path: CR,
    body: widget('w', { owner: 'me', config: { a: 1, b: 'x' }, free: { x: [1] }, parts: [{ name: 'a', count: 1 }], tags: ['t'] }),
  },
  { name: 'widget pruned', method: 'POST', path: CR, body: widget('pruned', { owner: 'me', unknown: 1 }) },
  { name: 'widget strict', method: 'POST', path: `${CR}?fieldValidation=Strict`, body: widget('strict', { owner: 'me', unknown: 1 }) },
  { name: 'widget without owner', method: 'POST', path: CR, body: widget('x', {}) },
  {
    name: 'widget without spec',
    method: 'POST',
    path: CR,
    body: { apiVersion: 'example.sofakafka.io/v1', kind: 'Widget', metadata: { name: 'x' } },
  },
  { name: 'widget of wrong type', method: 'POST', path: CR, body: widget('x', { owner: 5 }) },
  { name: 'widget too long', method: 'POST', path: CR, body: widget('x', { owner: 'me me me me me' }) },
  { name: 'widget too big', method: 'POST', path: CR, body: widget('x', { owner: 'me', size: 10 }) },
  { name: 'widget of bad pattern', method: 'POST', path: CR, body: widget('x', { owner: 'me', note: 'A' }) },
  { name: 'widget of bad enum', method: 'POST', path: CR, body: widget('x', { owner: 'me', mode: 'Keep' }) },
  { name: 'widget with equal keys', method: 'POST', path: CR, body: widget('x', { owner: 'me', parts: [{ name: 'a' }, { name: 'a' }] }) },
  { name: 'widget with equal tags', method: 'POST', path: CR, body: widget('x', { owner: 'me', tags: ['a', 'a'] }) },
  { name: 'widget against a rule', method: 'POST', path: CR, body: widget('x', { owner: 'me', note: 'bad one' }) },
  { name: 'widget against a map rule', method: 'POST', path: CR, body: widget('x', { owner: 'me', config: { 'broker.id': 1 } }) },
  { name: 'widget transition', method: 'PATCH', path: `${CR}/w`, type: PATCH.merge, body: { spec: { owner: 'you' } } },
  { name: 'widget list shrinks', method: 'PATCH', path: `${CR}/w`, type: PATCH.merge, body: { spec: { parts: [] } } },
  { name: 'widget strategic', method: 'PATCH', path: `${CR}/w`, type: PATCH.strategic, body: { spec: {} } },
  { name: 'widget update without version', method: 'PUT', path: `${CR}/w`, body: widget('w', { owner: 'me' }) },
  { name: 'widget status through the object', method: 'PATCH', path: `${CR}/w`, type: PATCH.merge, body: { status: { size: 2 } } },
  {
    name: 'widget status',
    method: 'PATCH',
    path: `${CR}/w/status?fieldManager=op`,
    type: PATCH.merge,
    body: { spec: { size: 9 }, status: { size: 2, conditions: [{ type: 'Ready', status: 'True' }] } },
  },
  {
    name: 'widget status apply',
    method: 'PATCH',
    path: `${CR}/w/status?fieldManager=st`,
    type: PATCH.apply,
    body: {
      apiVersion: 'example.sofakafka.io/v1',
      kind: 'Widget',
      metadata: { name: 'w' },
      status: { selector: 'a=b', conditions: [{ type: 'Reconciling', status: 'True' }] },
    },
  },
  {
    name: 'widget apply parts',
    method: 'PATCH',
    path: `${CR}/w?fieldManager=pa`,
    type: PATCH.apply,
    body: widget('w', { owner: 'me', parts: [{ name: 'b', count: 2 }], tags: ['u'] }),
  },
  { name: 'widget table', method: 'GET', path: CR, accept: TABLE },
  { name: 'widget scale', method: 'GET', path: `${CR}/w/scale` },
  {
    name: 'widget scale put',
    method: 'PUT',
    path: `${CR}/w/scale`,
    body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'w' }, spec: { replicas: 5 } },
  },
  { name: 'widget get', method: 'GET', path: `${CR}/w` },
  { name: 'finalizer', method: 'PATCH', path: `${CR}/w`, type: PATCH.merge, body: { metadata: { finalizers: ['sofakafka.io/x'] } } },
  {
    name: 'delete with another uid',
    method: 'DELETE',
    path: `${CR}/w`,
    body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'other' } },
  },
  { name: 'delete held by a finalizer', method: 'DELETE', path: `${CR}/w` },
  {
    name: 'finalizer is not added later',
    method: 'PATCH',
    path: `${CR}/w`,
    type: PATCH.merge,
    body: { metadata: { finalizers: ['sofakafka.io/x', 'sofakafka.io/y'] } },
  },
  { name: 'finalizer released', method: 'PATCH', path: `${CR}/w`, type: PATCH.merge, body: { metadata: { finalizers: null } } },
  { name: 'gone', method: 'GET', path: `${CR}/w` },
  { name: 'delete', method: 'DELETE', path: `${NS}/configmaps/a` },
  { name: 'delete absent', method: 'DELETE', path: `${NS}/configmaps/a` },
  { name: 'delete foreground', method: 'DELETE', path: `${CR}/pruned?propagationPolicy=Foreground`, ignore: ['metadata.managedFields'] },
  { name: 'watch too old', method: 'GET', path: `${NS}/configmaps?watch=true&resourceVersion=abc` },
  {
    name: 'eviction of absent pod',
    method: 'POST',
    path: `${NS}/pods/zz/eviction`,
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'zz' } },
  },
  {
    name: 'access review',
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
    },
    ignore: ['status.reason', 'metadata.managedFields'],
  },
  {
    name: 'crd that is not structural',
    method: 'POST',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    body: {
      ...CRD,
      metadata: { name: 'others.example.sofakafka.io' },
      spec: {
        ...CRD.spec,
        names: { plural: 'others', kind: 'Other' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: { properties: { a: { type: 'string' } } } } } },
          },
        ],
      },
    },
    ignore: ['message', 'details.causes'],
  },
  {
    name: 'crd under another name',
    method: 'POST',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    body: { ...CRD, metadata: { name: 'x.example.sofakafka.io' } },
  },
]
