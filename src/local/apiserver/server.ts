import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server as HttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { ServiceAddresses } from './addresses.ts'
import { createCertificate, isUsable, type Certificate } from '../../security/certificates.ts'
import { serveCustomKinds } from './custom/lifecycle.ts'
import { sendStatus, sendText } from './http/exchange.ts'
import { Handler } from './http/handler.ts'
import type { JsonObject } from './json.ts'
import { strategyOf } from './kinds/strategies.ts'
import { Resources } from './resources.ts'
import { type Server, systemCall } from './rest/context.ts'
import { patch } from './rest/patch.ts'
import { create } from './rest/write.ts'
import { badRequest, forbidden, unauthorized } from './status.ts'
import { Journal } from './store/journal.ts'
import { Store } from './store/store.ts'
import { Tokens } from './tokens.ts'
import type { ApiServer, ApiServerOptions, Identity } from './types.ts'

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system']
const ADMIN: Identity = { user: 'admin', groups: ['system:masters'] }
const DEFAULT_SERVICE_CIDR = '10.96.0.0/16'
const OPEN_PATHS = ['/livez', '/readyz', '/healthz']
const NAME_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789'
/** A client must have sent its request's head within this time. */
const HEADERS_TIMEOUT_MS = 30_000
/** Controllers ask every few seconds: a new TLS handshake each time would cost more than the answers. */
const KEEP_ALIVE_MS = 120_000
const SECRET_FILE = { mode: 0o600 }

const randomName = (length: number): string =>
  [...randomBytes(length)].map((byte) => NAME_CHARACTERS[byte % NAME_CHARACTERS.length]).join('')

/** The authority and the server's certificate are kept on disk: kubeconfigs that were handed out stay valid. */
const certificates = async (disk: Disk, directory: string, nowMs: number): Promise<{ ca: Certificate; server: Certificate }> => {
  const path = join(directory, 'certificates.json')
  if (disk.stat(path)) {
    const kept = JSON.parse(disk.readFile(path).toString()) as { ca: Certificate; server: Certificate }
    if (isUsable(kept.server, kept.ca, nowMs)) return kept
  }
  const ca = createCertificate({ commonName: 'sofakafka-local-ca', nowMs })
  const dnsNames = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  const server = createCertificate({ commonName: 'sofakafka-local', dnsNames, ipAddresses: ['127.0.0.1'], nowMs, ca })
  await disk.replaceFile(path, Buffer.from(JSON.stringify({ ca, server })), SECRET_FILE)
  return { ca, server }
}

const bootstrap = (server: Server, crds: readonly object[]): void => {
  const namespaces = server.resources.find('v1', 'namespaces')!
  for (const name of NAMESPACES) {
    if (!server.store.get('/namespaces', name)) create(server, systemCall(namespaces, ''), { metadata: { name } })
  }
  const definitions = server.resources.find('apiextensions.k8s.io/v1', 'customresourcedefinitions')!
  for (const crd of crds) {
    const { name } = (crd as { metadata: { name: string } }).metadata
    const call = { ...systemCall(definitions, name), patchType: 'application/apply-patch+yaml' as const, force: true }
    patch(server, call, structuredClone(crd) as JsonObject)
  }
}

const kubeconfigOf = (url: string, caPem: string, token: string): string =>
  [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: sofakafka-local',
    '  cluster:',
    `    server: ${url}`,
    `    certificate-authority-data: ${Buffer.from(caPem).toString('base64')}`,
    'users:',
    '- name: admin',
    '  user:',
    `    token: ${token}`,
    'contexts:',
    '- name: sofakafka-local',
    '  context:',
    '    cluster: sofakafka-local',
    '    user: admin',
    'current-context: sofakafka-local',
    '',
  ].join('\n')

/** A browser that was led to this address by another name must not get in: the Host header must be one of ours. */
const isOwnHost = (header: string | undefined, port: number): boolean => {
  const [host = '', given] = (header ?? '').toLowerCase().split(':')
  const isName = [
    '127.0.0.1',
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ].includes(host)
  return isName && (given === undefined || Number(given) === port)
}

const listen = (https: HttpsServer, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    https.once('error', reject)
    https.listen(port, host, () => {
      https.off('error', reject)
      resolve((https.address() as AddressInfo).port)
    })
  })

/** Starts the API server: what was stored in `dataDir` is served again, with the same authority and tokens. */
export const startApiServer = async (options: ApiServerOptions): Promise<ApiServer> => {
  const { disk, clocks, logger, host = '127.0.0.1' } = options
  const directory = options.dataDir
  disk.makeDirectory(directory, { mode: 0o700 })
  const { ca, server: certificate } = await certificates(disk, directory, clocks.wall.nowMs())
  const { journal, entries, revision } = Journal.open({ disk, directory, logger })
  const store = new Store(journal, entries, revision)
  const tokens = new Tokens({ disk, directory, wall: clocks.wall })
  const addresses = new ServiceAddresses(store, options.serviceCidr ?? DEFAULT_SERVICE_CIDR)
  const creation = { store, allocateAddress: (asked: string) => addresses.allocate(asked), random: randomName }
  const server: Server = { store, resources: new Resources(), wall: clocks.wall, strategyOf, creation }
  serveCustomKinds(server)
  bootstrap(server, options.crds ?? [])
  const handler = new Handler({ server, tokens, clock: clocks.monotonic, logger, kubeletToken: options.kubeletToken ?? '' })
  let port = options.port
  const https = createServer({ cert: certificate.certificatePem, key: certificate.keyPem, minVersion: 'TLSv1.2' }, (request, response) => {
    void guard({ request, response, port, tokens, handler })
  })
  https.headersTimeout = HEADERS_TIMEOUT_MS
  https.requestTimeout = 0
  https.keepAliveTimeout = KEEP_ALIVE_MS
  https.on('tlsClientError', (error) => logger.debug({ err: error }, 'TLS handshake failed'))
  const sockets = new Set<Socket>()
  https.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  port = await listen(https, port, host).catch(async (error: unknown) => {
    tokens.close()
    await journal.close()
    throw error
  })
  const url = `https://${host}:${port}`
  const kubeconfig = kubeconfigOf(url, ca.certificatePem, tokens.issue(ADMIN))
  const kubeconfigPath = join(directory, 'kubeconfig')
  await disk.replaceFile(kubeconfigPath, Buffer.from(kubeconfig), SECRET_FILE)
  store.watch('/pods', store.revision, {
    changed: (change) => change.type === 'DELETED' && tokens.revokeBoundTo(change.object.metadata.uid),
  })
  logger.info({ url }, 'API server listens')
  return {
    url,
    host,
    port,
    caCertificate: ca.certificatePem,
    kubeconfigPath,
    adminKubeconfig: () => kubeconfig,
    issueToken: (identity) => tokens.issue(identity),
    stop: () => stop({ https, sockets, handler, journal, tokens }),
  }
}

type Incoming = { request: IncomingMessage; response: ServerResponse; port: number; tokens: Tokens; handler: Handler }

/** Nothing is served before the host and the token are right. */
const guard = async ({ request, response, port, tokens, handler }: Incoming): Promise<void> => {
  response.on('error', () => response.destroy())
  if (!URL.canParse(request.url ?? '', 'https://localhost')) return sendStatus(response, badRequest('the request names no valid path'))
  const url = new URL(request.url ?? '/', 'https://localhost')
  if (!isOwnHost(request.headers.host, port)) {
    return sendStatus(
      response,
      forbidden(
        { group: '', plural: 'hosts', kind: 'Host' },
        request.headers.host ?? '',
        'the Host header must be 127.0.0.1 or localhost with the port of this server',
      ),
    )
  }
  if (OPEN_PATHS.includes(url.pathname)) return sendText(response, 200, 'ok')
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const identity = token ? tokens.identify(token) : undefined
  if (!identity) return sendStatus(response, unauthorized())
  await handler.handle({ request, response, url, identity })
}

type Parts = { https: HttpsServer; sockets: Set<Socket>; handler: Handler; journal: Journal; tokens: Tokens }
const stop = async (parts: Parts): Promise<void> => {
  const closed = new Promise<void>((resolve) => parts.https.close(() => resolve()))
  parts.handler.endWatches()
  parts.https.closeIdleConnections()
  await new Promise((resolve) => setImmediate(resolve))
  // Not closeAllConnections: it knows no connection whose TLS handshake is not over.
  for (const socket of parts.sockets) socket.destroy()
  await closed
  parts.tokens.close()
  await parts.journal.close()
}
