import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { APPLIED, type Cluster, clusters } from '../api/index.ts'
import { KubeClient } from '../kube/client.ts'
import { connectionOfServiceAccount, type KubeConnection } from '../kube/connection.ts'
import { isKubeError } from '../kube/error.ts'
import { connectionOfKubeconfig } from '../kube/kubeconfig.ts'
import type { KubeObject, Resource } from '../kube/types.ts'
import { type Call, UsageError } from './command.ts'
import { EXIT, Failure } from './failure.ts'
import type { Session, Surroundings } from './session.ts'

export type KubeAccess = { kube: KubeClient; connection: KubeConnection; namespace: string }

const FIELD_MANAGER = 'kubectl-sofakafka'

/** The files of a kubeconfig, in the order in which kubectl takes them. */
export const kubeconfigFiles = (call: Call, { kubeconfig, home }: Surroundings): string[] => {
  const named = call.text('kubeconfig')
  if (named !== undefined) {
    if (!existsSync(named)) throw new UsageError(`--kubeconfig ${named}: there is no such file`)
    return [named]
  }
  const listed = (kubeconfig ?? '').split(delimiter).filter((path) => path !== '')
  const files = listed.length > 0 ? listed : [join(home, '.kube', 'config')]
  return files.filter((path) => existsSync(path))
}

const connect = async (call: Call, surroundings: Surroundings): Promise<KubeConnection> => {
  const files = kubeconfigFiles(call, surroundings)
  if (files.length > 0) {
    try {
      return await connectionOfKubeconfig(files, call.text('context'))
    } catch (error) {
      throw new Failure((error as Error).message, EXIT.usage, { cause: error })
    }
  }
  const { serviceAccount, kubeconfig } = surroundings
  if (serviceAccount && existsSync(join(serviceAccount.directory, 'token')))
    return connectionOfServiceAccount(serviceAccount.directory, serviceAccount.host, serviceAccount.port)
  const looked = kubeconfig ? `KUBECONFIG names ${kubeconfig}, which is not there` : '~/.kube/config is not there and KUBECONFIG is not set'
  throw new Failure(`no kubeconfig: ${looked}; write --kubeconfig FILE (the local mode's is .sofakafka/kubeconfig)`, EXIT.usage)
}

/** Opens the API server for the time of `use`. */
export const withKube = async <T>(call: Call, session: Session, use: (access: KubeAccess) => Promise<T>): Promise<T> => {
  const connection = await connect(call, session.surroundings)
  const kube = new KubeClient({ connection, clock: session.clocks.monotonic, fieldManager: FIELD_MANAGER, appliedAnnotation: APPLIED })
  try {
    return await use({ kube, connection, namespace: call.text('namespace') ?? connection.namespace })
  } finally {
    kube.close()
  }
}

/** Of one namespace, or with -A of all. */
export const listOf = async <T extends KubeObject>(call: Call, { kube, namespace }: KubeAccess, resource: Resource<T>): Promise<T[]> => {
  const { items } = await kube.list(resource, call.flag('all-namespaces') ? {} : { namespace })
  return items.sort((a, b) => (keyText(a) < keyText(b) ? -1 : 1))
}
const keyText = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`

/** Of all namespaces where that is allowed, else of one; `isWhole` says which. */
export const listEverywhere = async <T extends KubeObject>(
  access: KubeAccess,
  resource: Resource<T>,
): Promise<{ items: T[]; isWhole: boolean }> => {
  try {
    return { items: (await access.kube.list(resource)).items, isWhole: true }
  } catch (error) {
    if (!isKubeError(error, 403)) throw error
    return { items: (await access.kube.list(resource, { namespace: access.namespace })).items, isWhole: false }
  }
}

/** An object by its name; exit 3 where there is none. */
export const need = async <T extends KubeObject>({ kube, namespace }: KubeAccess, resource: Resource<T>, name: string): Promise<T> => {
  const found = await kube.get(resource, { namespace, name })
  if (!found) throw new Failure(`there is no ${resource.kind} ${name} in the namespace ${namespace}`, EXIT.notFound)
  return found
}

/** The Cluster that is meant: NAME or NAMESPACE/NAME, or the only one of the namespace. */
export const clusterOf = async (access: KubeAccess, named: string | undefined): Promise<Cluster> => {
  const { kube, namespace } = access
  if (named !== undefined) {
    const [first = '', second] = named.split('/')
    return second === undefined ? need(access, clusters, first) : need({ ...access, namespace: first }, clusters, second)
  }
  const { items } = await kube.list(clusters, { namespace })
  if (items.length === 1) return items[0]!
  if (items.length > 1)
    throw new UsageError(
      `the namespace ${namespace} has the Clusters ${items.map(({ metadata }) => metadata.name).join(', ')}; write --cluster NAME`,
    )
  const elsewhere = await kube.list(clusters).catch(() => ({ items: [] }))
  const names = elsewhere.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const hint = names.length > 0 ? `; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}: write --cluster NAMESPACE/NAME` : ''
  throw new Failure(`there is no Cluster in the namespace ${namespace}${hint}`, EXIT.notFound)
}
