import { builtinResources, builtinSchema } from './builtin/load.ts'
import { coreEvent, groupEvent } from './kinds/event.ts'
import type { KubeObject } from './json.ts'
import type { Schema } from './schema/schema.ts'
import type { Named } from './status.ts'

export type Column = { name: string; type: string; format: string; description: string; priority: number; jsonPath: string }
/** What a CustomResourceDefinition adds to a resource. */
export type CustomDefinition = {
  columns: Column[]
  selectableFields: string[]
  hasStatus: boolean
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath: string }
}

export type Subresource = { kind: string; groupVersion: string; verbs: string[] }
/** One served collection. */
export type Resource = Named & {
  version: string
  groupVersion: string
  singular: string
  listKind: string
  namespaced: boolean
  shortNames: string[]
  categories: string[]
  verbs: string[]
  subresources: Map<string, Subresource>
  schema: Schema
  /** Where its objects are in the store: all versions of a kind share it. */
  storageKey: string
  custom?: CustomDefinition
  /** Where the stored form differs from this version by more than its apiVersion. */
  conversion?: { toStored: (object: KubeObject) => KubeObject; fromStored: (object: KubeObject) => KubeObject }
}

/** A stored object in the form of the version that was asked for. */
export const fromStored = (object: KubeObject, resource: Resource): KubeObject => {
  if (object.apiVersion === resource.groupVersion) return object
  return resource.conversion ? resource.conversion.fromStored(object) : { ...object, apiVersion: resource.groupVersion }
}
export const toStored = (object: KubeObject, resource: Resource): KubeObject => resource.conversion?.toStored(object) ?? object

/** Subresources of a real server that need what the local mode does not have. */
const NOT_SERVED = new Set(['attach', 'exec', 'portforward', 'proxy', 'resize'])

const split = (groupVersion: string): { group: string; version: string } => {
  const [first = '', second] = groupVersion.split('/')
  return second === undefined ? { group: '', version: first } : { group: first, version: second }
}

const builtin = (): Resource[] => {
  const resources: Resource[] = []
  for (const entry of builtinResources) {
    const [plural = '', sub] = entry.name.split('/')
    if (sub) {
      const owner = resources.find((one) => one.plural === plural && one.groupVersion === entry.groupVersion)
      if (NOT_SERVED.has(sub)) continue
      const groupVersion = entry.group ? `${entry.group}/${entry.version}` : entry.groupVersion
      owner?.subresources.set(sub, { kind: entry.kind, groupVersion, verbs: entry.verbs })
      continue
    }
    const { group, version } = split(entry.groupVersion)
    const isEvent = entry.kind === 'Event'
    resources.push({
      group,
      version,
      groupVersion: entry.groupVersion,
      plural,
      singular: entry.singularName,
      kind: entry.kind,
      listKind: `${entry.kind}List`,
      namespaced: entry.namespaced,
      shortNames: entry.shortNames ?? [],
      categories: entry.categories ?? [],
      verbs: entry.verbs,
      subresources: new Map(),
      schema: builtinSchema(entry.groupVersion, entry.kind),
      storageKey: isEvent ? '/events' : `${group}/${plural}`,
      ...(isEvent && group !== '' ? { conversion: { toStored: coreEvent, fromStored: groupEvent } } : {}),
    })
  }
  return resources
}

/** What is served: the built-in kinds and those of the established CustomResourceDefinitions. */
export class Resources {
  readonly #builtin = builtin()
  #custom = new Map<string, Resource[]>()

  all(): Resource[] {
    return [...this.#builtin, ...[...this.#custom.values()].flat()]
  }

  find(groupVersion: string, plural: string): Resource | undefined {
    return this.all().find((one) => one.groupVersion === groupVersion && one.plural === plural)
  }

  ofKind(groupVersion: string, kind: string): Resource | undefined {
    return this.all().find((one) => one.groupVersion === groupVersion && one.kind === kind)
  }

  /** The versions that a CustomResourceDefinition serves, under its name; none takes them away. */
  setCustom(name: string, resources: Resource[]): void {
    if (resources.length > 0) this.#custom.set(name, resources)
    else this.#custom.delete(name)
  }
}
