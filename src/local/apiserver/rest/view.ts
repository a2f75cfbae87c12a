import type { JsonObject, KubeObject } from '../json.ts'
import { fromStored, toStored, type Resource } from '../resources.ts'
import { columnsOf, rowOf } from '../table/table.ts'

/** How a client wants objects: by its Accept header, as they are, as table rows, or as metadata only. */
export type View = { form: 'object' | 'table' | 'metadata'; include: 'None' | 'Metadata' | 'Object' }

export const viewOf = (accept: string, query: URLSearchParams): View => {
  const include = (query.get('includeObject') ?? 'Metadata') as View['include']
  for (const type of accept.split(',')) {
    const parameters = type.split(';').map((part) => part.trim())
    if (parameters[0] !== 'application/json' && parameters[0] !== '*/*') continue
    if (parameters.includes('as=Table')) return { form: 'table', include }
    if (parameters.includes('as=PartialObjectMetadata') || parameters.includes('as=PartialObjectMetadataList'))
      return { form: 'metadata', include }
    break
  }
  return { form: 'object', include }
}

export const metadataOnly = (object: KubeObject): JsonObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: object.metadata,
})

const row = (object: KubeObject, resource: Resource, view: View, nowMs: number): JsonObject => ({
  cells: rowOf(toStored(object, resource), resource, nowMs),
  object: view.include === 'None' ? null : view.include === 'Object' ? fromStored(object, resource) : metadataOnly(object),
})

/** `withColumns` is false for the later rows of a watch. */
export const table = (
  objects: readonly KubeObject[],
  resource: Resource,
  options: { view: View; nowMs: number; metadata: JsonObject; withColumns?: boolean },
): JsonObject => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata: options.metadata,
  columnDefinitions: options.withColumns === false ? null : columnsOf(resource),
  rows: objects.map((object) => row(object, resource, options.view, options.nowMs)),
})

export const shown = (object: KubeObject, resource: Resource, view: View, nowMs: number): JsonObject => {
  if (view.form === 'metadata') return metadataOnly(object)
  if (view.form === 'object') return fromStored(object, resource)
  return table([object], resource, { view, nowMs, metadata: { resourceVersion: object.metadata.resourceVersion } })
}
