// Writes src/local/apiserver/builtin/schemas.json: the built-in kinds that the local API server serves, as a running Kubernetes API server describes them
// (discovery and OpenAPI v3). Needs kubectl and KUBECONFIG of such a server, e.g. the one that KUBE_LAB's `up` starts. Run it when the list changes.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

const KINDS: Record<string, string[]> = {
  'api/v1': [
    'Pod',
    'Service',
    'Endpoints',
    'ConfigMap',
    'Secret',
    'Namespace',
    'Node',
    'PersistentVolumeClaim',
    'PersistentVolume',
    'ServiceAccount',
    'Event',
    'Binding',
    'LimitRange',
    'ResourceQuota',
  ],
  'apis/apps/v1': ['StatefulSet', 'Deployment', 'ReplicaSet', 'ControllerRevision', 'DaemonSet'],
  'apis/batch/v1': ['Job', 'CronJob'],
  'apis/policy/v1': ['PodDisruptionBudget'],
  'apis/discovery.k8s.io/v1': ['EndpointSlice'],
  'apis/coordination.k8s.io/v1': ['Lease'],
  'apis/storage.k8s.io/v1': ['StorageClass'],
  'apis/rbac.authorization.k8s.io/v1': ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'],
  'apis/apiextensions.k8s.io/v1': ['CustomResourceDefinition'],
  'apis/events.k8s.io/v1': ['Event'],
  'apis/networking.k8s.io/v1': ['NetworkPolicy'],
  'apis/scheduling.k8s.io/v1': ['PriorityClass'],
  'apis/authentication.k8s.io/v1': ['TokenReview', 'SelfSubjectReview'],
  'apis/authorization.k8s.io/v1': ['SelfSubjectAccessReview', 'SubjectAccessReview', 'SelfSubjectRulesReview', 'LocalSubjectAccessReview'],
}
/** Described in the table, but not stored and not served as a collection of their own. */
const SCHEMA_ONLY = new Set(['Binding'])

type Json = { [key: string]: any }
const raw = (path: string): Json => JSON.parse(execFileSync('kubectl', ['get', '--raw', path], { maxBuffer: 1 << 26 }).toString()) as Json
const short = (ref: string): string => ref.replace('#/components/schemas/', '').replace(/^io\.k8s\./, '')
const KEEP = ['type', 'format', 'required', 'default', 'nullable', 'enum', 'oneOf']

const compact = (schema: Json, refs: Set<string>): Json => {
  const only = schema['allOf']?.length === 1 ? (schema['allOf'][0] as Json) : undefined
  const ref = (schema['$ref'] ?? only?.['$ref']) as string | undefined
  const out: Json = {}
  for (const [key, value] of Object.entries(schema)) {
    if (KEEP.includes(key) || (key.startsWith('x-kubernetes-') && key !== 'x-kubernetes-group-version-kind')) out[key] = value
  }
  if (ref) {
    refs.add(short(ref))
    return { ...out, $ref: short(ref) }
  }
  if (schema['properties'])
    out['properties'] = Object.fromEntries(
      Object.entries(schema['properties']).map(([name, child]) => [name, compact(child as Json, refs)]),
    )
  if (schema['items']) out['items'] = compact(schema['items'] as Json, refs)
  if (typeof schema['additionalProperties'] === 'object')
    out['additionalProperties'] = compact(schema['additionalProperties'] as Json, refs)
  return out
}

const definitions: Json = {}
const resources: Json[] = []
const schemaOf: Record<string, string> = {}
for (const [path, kinds] of Object.entries(KINDS)) {
  const openapi = raw(`/openapi/v3/${path}`)['components']['schemas'] as Json
  const groupVersion = path === 'api/v1' ? 'v1' : path.slice('apis/'.length)
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion]
  const add = (name: string): void => {
    if (definitions[name]) return
    const refs = new Set<string>()
    const full = openapi[`io.k8s.${name}`] as Json | undefined
    if (!full) throw new Error(`${path} has no ${name}`)
    definitions[name] = compact(full, refs)
    for (const ref of refs) add(ref)
  }
  for (const kind of kinds) {
    const isIt = (name: string, schema: Json): boolean =>
      (schema['x-kubernetes-group-version-kind'] ?? []).some(
        (gvk: Json) => gvk['kind'] === kind && gvk['group'] === group && gvk['version'] === version,
      ) ||
      (SCHEMA_ONLY.has(kind) && name.endsWith(`.${kind}`))
    const found = Object.entries(openapi).find(([name, schema]) => isIt(name, schema as Json))
    if (!found) throw new Error(`${path} does not describe ${kind}`)
    add(short(found[0]))
    schemaOf[`${groupVersion}/${kind}`] = short(found[0])
  }
  for (const resource of raw(`/${path}`)['resources'] as Json[]) {
    const main = (resource['name'] as string).split('/')[0]
    const owner = resources.find((one) => one['groupVersion'] === groupVersion && one['name'] === main)
    if (resource['name'] === main ? kinds.includes(resource['kind'] as string) && !SCHEMA_ONLY.has(resource['kind'] as string) : owner) {
      delete resource['storageVersionHash']
      resources.push({ groupVersion, ...resource })
    }
  }
}
writeFileSync('src/local/apiserver/builtin/schemas.json', `${JSON.stringify({ resources, schemaOf, definitions })}\n`)
