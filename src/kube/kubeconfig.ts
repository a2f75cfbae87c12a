import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { dirname, resolve } from 'node:path'
import type { KubeConnection, TlsMaterial } from './connection.ts'

type Named<K extends string, V> = { name: string } & { [key in K]?: V }
type ClusterEntry = {
  server?: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
  'insecure-skip-tls-verify'?: boolean
  'tls-server-name'?: string
  'proxy-url'?: string
}
type UserEntry = {
  token?: string
  tokenFile?: string
  username?: string
  password?: string
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  exec?: unknown
  'auth-provider'?: unknown
}
type File = {
  'current-context'?: string
  clusters?: Named<'cluster', ClusterEntry>[]
  users?: Named<'user', UserEntry>[]
  contexts?: Named<'context', { cluster?: string; user?: string; namespace?: string }>[]
}

/**
 * The current context (or the named one) of a kubeconfig file, or of several read as one: what stands in an earlier file wins, as in kubectl. Relative paths are
 * relative to the file that they stand in.
 * Logins by a program or a provider (exec, auth-provider) are left to @kubernetes/client-node, which is loaded only then.
 */
export const connectionOfKubeconfig = async (paths: string | readonly string[], contextName?: string): Promise<KubeConnection> => {
  const { parse } = await import('yaml')
  const files = typeof paths === 'string' ? [paths] : paths
  const read = await Promise.all(files.map(async (path) => placed(path, (parse(await readFile(path, 'utf8')) ?? {}) as File)))
  const path = files.join(', ')
  const { name, cluster, server, user, namespace } = pick(path, joined(read), contextName)
  if (cluster['proxy-url'])
    throw new Error(`${path}: the context ${name} has a proxy-url, which is not supported: reach the API server directly`)
  if (user.exec || user['auth-provider']) return throughClientNode(cluster, user, { server, namespace })
  return { server, namespace, tls: await tlsOf(cluster, user), authorization: authorizationOf(user) }
}

/** With the paths in it made absolute. */
const placed = (path: string, file: File): File => {
  const inFolder = (text: string | undefined) => (text ? resolve(dirname(path), text) : undefined)
  const clusters = file.clusters?.map(({ name, cluster }) => {
    const authority = inFolder(cluster?.['certificate-authority'])
    return { name, cluster: { ...cluster, ...(authority ? { 'certificate-authority': authority } : {}) } }
  })
  const users = file.users?.map(({ name, user }) => {
    const files = (['tokenFile', 'client-certificate', 'client-key'] as const).flatMap((key) => {
      const absolute = inFolder(user?.[key])
      return absolute ? [[key, absolute] as const] : []
    })
    return { name, user: { ...user, ...Object.fromEntries(files) } }
  })
  return { ...file, ...(clusters ? { clusters } : {}), ...(users ? { users } : {}) }
}

const joined = (files: readonly File[]): File => {
  const current = files.map((file) => file['current-context']).find(Boolean)
  return {
    ...(current ? { 'current-context': current } : {}),
    clusters: files.flatMap(({ clusters }) => clusters ?? []),
    users: files.flatMap(({ users }) => users ?? []),
    contexts: files.flatMap(({ contexts }) => contexts ?? []),
  }
}

type Picked = { name: string; cluster: ClusterEntry; server: string; user: UserEntry; namespace: string }

const pick = (path: string, file: File, contextName: string | undefined): Picked => {
  const name = contextName ?? file['current-context'] ?? ''
  const context = file.contexts?.find((entry) => entry.name === name)?.context
  if (!context) throw new Error(`${path} has no context '${name}': set current-context to one of its contexts`)
  const cluster = file.clusters?.find((entry) => entry.name === context.cluster)?.cluster
  if (!cluster?.server) throw new Error(`${path}: the context ${name} names the cluster ${context.cluster}, which has no server`)
  const user = file.users?.find((entry) => entry.name === context.user)?.user ?? {}
  return { name, cluster, server: cluster.server, user, namespace: context.namespace ?? 'default' }
}

/** The names of the contexts of kubeconfig files. */
export const contextsOf = async (paths: readonly string[]): Promise<string[]> => {
  const { parse } = await import('yaml')
  const files = await Promise.all(paths.map(async (path) => (parse(await readFile(path, 'utf8')) ?? {}) as File))
  return [...new Set(files.flatMap(({ contexts }) => contexts?.map(({ name }) => name) ?? []))]
}

const bytesOf = async (data: string | undefined, file: string | undefined): Promise<Buffer | undefined> => {
  if (data) return Buffer.from(data, 'base64')
  return file ? readFile(file) : undefined
}

const tlsOf = async (cluster: ClusterEntry, user: UserEntry): Promise<TlsMaterial> => {
  const ca = await bytesOf(cluster['certificate-authority-data'], cluster['certificate-authority'])
  const cert = await bytesOf(user['client-certificate-data'], user['client-certificate'])
  const key = await bytesOf(user['client-key-data'], user['client-key'])
  return {
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(cluster['insecure-skip-tls-verify'] ? { rejectUnauthorized: false } : {}),
    ...(cluster['tls-server-name'] ? { servername: cluster['tls-server-name'] } : {}),
  }
}

const authorizationOf = (user: UserEntry): (() => Promise<string | undefined>) => {
  const { token, tokenFile, username, password } = user
  if (tokenFile) return async () => `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`
  if (token) return () => Promise.resolve(`Bearer ${token}`)
  if (username) return () => Promise.resolve(`Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`)
  return () => Promise.resolve(undefined)
}

const throughClientNode = async (
  cluster: ClusterEntry,
  user: UserEntry,
  place: { server: string; namespace: string },
): Promise<KubeConnection> => {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  const name = 'it'
  const contexts = [{ name, context: { cluster: name, user: name } }]
  config.loadFromString(JSON.stringify({ 'current-context': name, clusters: [{ name, cluster }], users: [{ name, user }], contexts }))
  const login = async (): Promise<RequestOptions> => {
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    return options
  }
  const { ca, cert, key, rejectUnauthorized } = await login()
  return {
    ...place,
    tls: { ca, cert, key, rejectUnauthorized } as TlsMaterial,
    authorization: async () => {
      const headers = (await login()).headers as Record<string, string> | undefined
      return headers?.['Authorization'] ?? headers?.['authorization']
    },
  }
}
