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
 * The current context (or the named one) of a kubeconfig file. Relative paths in it are relative to the file.
 * Logins by a program or a provider (exec, auth-provider) are left to @kubernetes/client-node, which is loaded only then.
 */
export const connectionOfKubeconfig = async (path: string, contextName?: string): Promise<KubeConnection> => {
  const { parse } = await import('yaml')
  const { name, cluster, server, user, namespace } = pick(path, (parse(await readFile(path, 'utf8')) ?? {}) as File, contextName)
  if (cluster['proxy-url'])
    throw new Error(`${path}: the context ${name} has a proxy-url, which is not supported: reach the API server directly`)
  if (user.exec || user['auth-provider']) return throughClientNode(path, name, { server, namespace })
  const inFolder = (file: string) => resolve(dirname(path), file)
  return { server, namespace, tls: await tlsOf(cluster, user, inFolder), authorization: authorizationOf(user, inFolder) }
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

const bytesOf = async (
  data: string | undefined,
  file: string | undefined,
  inFolder: (file: string) => string,
): Promise<Buffer | undefined> => {
  if (data) return Buffer.from(data, 'base64')
  return file ? readFile(inFolder(file)) : undefined
}

const tlsOf = async (cluster: ClusterEntry, user: UserEntry, inFolder: (file: string) => string): Promise<TlsMaterial> => {
  const ca = await bytesOf(cluster['certificate-authority-data'], cluster['certificate-authority'], inFolder)
  const cert = await bytesOf(user['client-certificate-data'], user['client-certificate'], inFolder)
  const key = await bytesOf(user['client-key-data'], user['client-key'], inFolder)
  return {
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(cluster['insecure-skip-tls-verify'] ? { rejectUnauthorized: false } : {}),
    ...(cluster['tls-server-name'] ? { servername: cluster['tls-server-name'] } : {}),
  }
}

const authorizationOf = (user: UserEntry, inFolder: (file: string) => string): (() => Promise<string | undefined>) => {
  const { token, tokenFile, username, password } = user
  if (tokenFile) return async () => `Bearer ${(await readFile(inFolder(tokenFile), 'utf8')).trim()}`
  if (token) return () => Promise.resolve(`Bearer ${token}`)
  if (username) return () => Promise.resolve(`Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`)
  return () => Promise.resolve(undefined)
}

const throughClientNode = async (path: string, context: string, place: { server: string; namespace: string }): Promise<KubeConnection> => {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromFile(path)
  config.setCurrentContext(context)
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
