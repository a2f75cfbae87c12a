import { createHash } from 'node:crypto'
import type { JsonObject } from './json.ts'
import type { Resource, Resources } from './resources.ts'

/** The Kubernetes release whose behaviour is served. */
export const VERSION: JsonObject = {
  major: '1',
  minor: '33',
  gitVersion: 'v1.33.0+sofakafka',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'linux/amd64',
}

const isServed = (resource: Resource): boolean => resource.verbs.length > 0

const groupsOf = (resources: Resources): Map<string, string[]> => {
  const groups = new Map<string, string[]>()
  for (const { group, version } of resources.all().filter(isServed)) {
    const versions = groups.get(group) ?? []
    if (!versions.includes(version)) versions.push(version)
    groups.set(group, versions)
  }
  return groups
}

export const apiVersions = (): JsonObject => ({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })

const groupOf = (name: string, versions: string[]): JsonObject => {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0]! }
}
export const apiGroupList = (resources: Resources): JsonObject => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: [...groupsOf(resources)].filter(([name]) => name !== '').map(([name, versions]) => groupOf(name, versions)),
})
export const apiGroup = (resources: Resources, name: string): JsonObject | undefined => {
  const versions = groupsOf(resources).get(name)
  return versions && { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name, versions) }
}

const main = (resource: Resource): JsonObject => ({
  name: resource.plural,
  singularName: resource.singular,
  namespaced: resource.namespaced,
  kind: resource.kind,
  verbs: resource.verbs,
  ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
  ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
})
const sub = (resource: Resource): JsonObject[] =>
  [...resource.subresources].map(([name, { kind, groupVersion, verbs }]) => {
    const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion]
    const isOther = groupVersion !== resource.groupVersion
    return {
      name: `${resource.plural}/${name}`,
      singularName: '',
      namespaced: resource.namespaced,
      ...(isOther ? { group, version } : {}),
      kind,
      verbs,
    }
  })

export const apiResourceList = (resources: Resources, groupVersion: string): JsonObject | undefined => {
  const found = resources.all().filter((one) => one.groupVersion === groupVersion)
  if (found.length === 0) return undefined
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: found.flatMap((one) => [main(one), ...sub(one)]) }
}

const responseKind = (groupVersion: string, kind: string): JsonObject => {
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion]
  return { group, version, kind }
}
const aggregated = (resource: Resource): JsonObject => ({
  resource: resource.plural,
  responseKind: responseKind(resource.groupVersion, resource.kind),
  scope: resource.namespaced ? 'Namespaced' : 'Cluster',
  singularResource: resource.singular,
  verbs: resource.verbs,
  ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
  ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
  ...(resource.subresources.size > 0
    ? {
        subresources: [...resource.subresources].map(([name, one]) => ({
          subresource: name,
          responseKind: responseKind(one.groupVersion, one.kind),
          verbs: one.verbs,
        })),
      }
    : {}),
})

/** The aggregated form (apidiscovery.k8s.io/v2): all groups of /api or /apis with their resources in one answer. */
export const aggregatedDiscovery = (resources: Resources, isCore: boolean): JsonObject => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: [...groupsOf(resources)]
    .filter(([name]) => (name === '') === isCore)
    .map(([name, versions]) => ({
      metadata: { name, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        resources: resources
          .all()
          .filter((one) => one.group === name && one.version === version)
          .map(aggregated),
        freshness: 'Current',
      })),
    })),
})

/** Changes whenever the body does: clients keep discovery and OpenAPI by it. */
export const etagOf = (body: string): string => createHash('sha512').update(body).digest('hex').toUpperCase()
