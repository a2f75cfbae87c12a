import { APPLIED } from '../api/names.ts'
import type { Disk } from '../base/disk.ts'
import { hashOf } from '../kube/difference.ts'
import { isKubeError } from '../kube/error.ts'
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

export type Applied = { resource: Resource; object: KubeObject }

/**
 * Server-side applies the objects in their order; gives them back as they are now, each with its resource. A document that has not changed since it was last applied is
 * left alone, so that what the user changed by kubectl stays; one that an existing object refuses is left alone too, with a note.
 */
export const applyAll = async (kube: Kube, objects: readonly KubeObject[], note: (text: string) => void): Promise<Applied[]> => {
  const resources = await discover(kube)
  const applied: Applied[] = []
  for (const object of objects) {
    const resource = resources.find(({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind)
    if (!resource) throw new Error(`${object.kind} ${object.metadata.name}: the local mode serves no ${object.apiVersion} ${object.kind}`)
    const metadata = resource.namespaced ? { ...object.metadata, namespace: object.metadata.namespace ?? NAMESPACE } : object.metadata
    applied.push({ resource, object: await applyOne(kube, resource, { ...object, metadata }, note) })
  }
  return applied
}

const applyOne = async (kube: Kube, resource: Resource, object: KubeObject, note: (text: string) => void): Promise<KubeObject> => {
  const live = await kube.get(resource, keyOf(object))
  if (live?.metadata.annotations?.[APPLIED] === hashOf(object)) return live
  try {
    return (await kube.apply(resource, object)).object
  } catch (error) {
    const what = `${object.kind} ${keyText(keyOf(object))}`
    const reason = error instanceof Error ? error.message : String(error)
    if (!live || !isKubeError(error, 422, 409)) throw new Error(`${what}: ${reason}`, { cause: error })
    note(`${what} stays as it is: ${reason}`)
    return live
  }
}
