import type { Disk } from '../base/disk.ts'
import { keyText, keyOf, type Kube, type KubeObject, type Resource } from '../kube/types.ts'
import { discover } from './controllers/discovery.ts'

/** The objects of a YAML file with one or more documents. Throws with the file's name on what is not an object of Kubernetes. */
export const readManifests = async (disk: Disk, path: string): Promise<KubeObject[]> => {
  const { parseAllDocuments } = await import('yaml')
  if (!disk.stat(path)) throw new Error(`${path}: there is no such file; give one with -f, or leave -f out for the quickstart`)
  const documents = parseAllDocuments(disk.readFile(path).toString('utf8'))
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error) throw new Error(`${path}: ${error.message}`)
    const object = document.toJS() as KubeObject | null
    if (object === null) return []
    if (!object.apiVersion || !object.kind || !object.metadata?.name)
      throw new Error(`${path}: a document lacks apiVersion, kind or metadata.name`)
    return [object]
  })
}

const NAMESPACE = 'default'

/** Server-side applies the objects in their order; gives them back as they are now, each with its resource. */
export const applyAll = async (kube: Kube, objects: readonly KubeObject[]): Promise<{ resource: Resource; object: KubeObject }[]> => {
  const resources = await discover(kube)
  const applied: { resource: Resource; object: KubeObject }[] = []
  for (const object of objects) {
    const resource = resources.find(({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind)
    if (!resource) throw new Error(`${object.kind} ${object.metadata.name}: the local mode serves no ${object.apiVersion} ${object.kind}`)
    const metadata = resource.namespaced ? { ...object.metadata, namespace: object.metadata.namespace ?? NAMESPACE } : object.metadata
    const placed = { ...object, metadata }
    const result = await kube.apply(resource, placed).catch((error: unknown) => {
      throw new Error(`${object.kind} ${keyText(keyOf(placed))}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    })
    applied.push({ resource, object: result.object })
  }
  return applied
}
