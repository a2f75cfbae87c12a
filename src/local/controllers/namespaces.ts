import { isKubeError } from '../../kube/error.ts'
import { keyOf, type Key, type Kube, type Result } from '../../kube/types.ts'
import { configMaps, isTerminating, namespaces, serviceAccounts, type Namespace } from '../objects.ts'
import { DONE, makeController, watch, type Around, type Controller } from './controller.ts'
import { discover } from './discovery.ts'

const ROOT_CA = 'kube-root-ca.crt'
const AGAIN_MS = 100

/** Deletes everything in it, and finalizes it when there is nothing left. */
const empty = async (kube: Kube, namespace: Namespace): Promise<Result> => {
  const { name } = namespace.metadata
  const resources = (await discover(kube)).filter(({ namespaced }) => namespaced)
  let left = 0
  for (const resource of resources) {
    const { items } = await kube.list(resource, { namespace: name })
    left += items.length
    const deletable = items.filter((item) => !isTerminating(item))
    await Promise.all(deletable.map((item) => kube.delete(resource, keyOf(item), { propagation: 'Background' })))
  }
  if (left > 0) return { requeueAfterMs: AGAIN_MS }
  await kube.raw('PUT', `/api/v1/namespaces/${name}/finalize`, {
    ...namespace,
    apiVersion: 'v1',
    kind: 'Namespace',
    spec: { finalizers: [] },
  })
  return DONE
}

const sync = async (kube: Kube, caCertificate: string, { name }: Key): Promise<Result> => {
  const namespace = await kube.get(namespaces, { namespace: '', name })
  if (!namespace) return DONE
  if (isTerminating(namespace)) return empty(kube, namespace)
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } }
  const root = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ROOT_CA, namespace: name }, data: { 'ca.crt': caCertificate } }
  if (!(await kube.get(serviceAccounts, keyOf(account)))) await kube.create(serviceAccounts, account).catch(orThere)
  const live = await kube.get(configMaps, keyOf(root))
  if (!live) await kube.create(configMaps, root).catch(orThere)
  else if (live.data?.['ca.crt'] !== caCertificate) await kube.patch(configMaps, keyOf(root), 'merge', { data: root.data })
  return DONE
}

const orThere = (error: unknown): void => {
  if (!isKubeError(error, 409)) throw error
}

/** Gives each namespace its default account and the certificate by which pods know the API server; empties those that are deleted. */
export const namespaceController = (around: Around, options: { caCertificate: string }): Controller => {
  const ofContent = ({ metadata }: { metadata: { namespace?: string } }): Key[] => [{ namespace: '', name: metadata.namespace ?? '' }]
  return makeController(around, {
    name: 'namespace',
    watches: [
      watch(namespaces),
      watch(serviceAccounts, ofContent),
      watch(configMaps, (map) => (map.metadata.name === ROOT_CA ? ofContent(map) : [])),
    ],
    work: (key) => sync(around.kube, options.caCertificate, key),
  })
}
