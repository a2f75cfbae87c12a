import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type TlsMaterial = {
  ca?: string | Buffer
  cert?: string | Buffer
  key?: string | Buffer
  rejectUnauthorized?: boolean
  servername?: string
}

/** Where an API server is and how to log in there. `authorization` is asked for each request, so that a rotated token is seen. */
export type KubeConnection = {
  /** e.g. https://127.0.0.1:6443, with a path prefix where there is one */
  server: string
  tls: TlsMaterial
  /** The value of the Authorization header. */
  authorization(): Promise<string | undefined>
  /** The namespace of the kubeconfig's context or of the service account. */
  namespace: string
}

export const connectionTo = (server: string, options: { ca?: string; token?: string; namespace?: string } = {}): KubeConnection => ({
  server,
  tls: options.ca ? { ca: options.ca } : {},
  authorization: () => Promise.resolve(options.token && `Bearer ${options.token}`),
  namespace: options.namespace ?? 'default',
})

/** The account of the pod that this process is in. The kubelet replaces the token file about every hour, so it is read each time. */
export const connectionOfServiceAccount = async (directory: string, host: string, port: string): Promise<KubeConnection> => {
  const ca = await readFile(join(directory, 'ca.crt'))
  const namespace = await readFile(join(directory, 'namespace'), 'utf8').catch(() => 'default')
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: { ca },
    authorization: async () => `Bearer ${(await readFile(join(directory, 'token'), 'utf8')).trim()}`,
    namespace: namespace.trim(),
  }
}
