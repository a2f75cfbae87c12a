import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { logPath, readLog, readMore, type LogQuery } from './log-reader.ts'

export type LogServerOptions = {
  host: string
  port: number
  certificatePem: string
  keyPem: string
  /** Who asks must have it; undefined: no check (a real API server that has no client certificate for kubelets; loopback only). */
  token: string | undefined
  disk: Disk
  /** The directory of a container's logs; undefined: no such container here. */
  directoryOf: (namespace: string, pod: string, container: string) => string | undefined
  monotonic: MonotonicClock
  wall: WallClock
}

const FOLLOW_MS = 200

const numberOf = (query: URLSearchParams, name: string): number | undefined => {
  const value = query.get(name)
  return value === null || value === '' ? undefined : Math.max(0, Number(value))
}

const queryOf = (query: URLSearchParams, wallMs: number): LogQuery => {
  const sinceSeconds = numberOf(query, 'sinceSeconds')
  const sinceTime = query.get('sinceTime')
  const tailLines = numberOf(query, 'tailLines')
  const limitBytes = numberOf(query, 'limitBytes')
  const sinceMs = sinceSeconds === undefined ? (sinceTime ? Date.parse(sinceTime) : undefined) : wallMs - sinceSeconds * 1000
  return {
    follow: query.get('follow') === 'true',
    previous: query.get('previous') === 'true',
    timestamps: query.get('timestamps') === 'true',
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  }
}

const refuse = (response: ServerResponse, code: number, text: string): void => {
  response.writeHead(code, { 'content-type': 'text/plain' }).end(text)
}

/** The part of a kubelet's HTTPS interface that the API server uses for `kubectl logs`: GET /containerLogs/NAMESPACE/POD/CONTAINER. */
export class LogServer {
  readonly #options: LogServerOptions
  readonly #server: Server
  readonly #stop = new AbortController()

  constructor(options: LogServerOptions) {
    this.#options = options
    this.#server = createServer({ cert: options.certificatePem, key: options.keyPem }, (request, response) => {
      void this.#answer(request, response).catch(() => response.destroy())
    })
  }

  /** Resolves with the port. */
  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: this.#options.host, port: this.#options.port }, () =>
        resolve((this.#server.address() as { port: number }).port),
      )
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the kubelet stops'))
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #isAllowed(request: IncomingMessage): boolean {
    const { token } = this.#options
    if (token === undefined) return true
    const given = Buffer.from(request.headers.authorization ?? '')
    const wanted = Buffer.from(`Bearer ${token}`)
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#isAllowed(request)) return refuse(response, 401, 'Unauthorized')
    const url = new URL(request.url ?? '/', 'https://kubelet')
    const [, kind, namespace, pod, container] = url.pathname.split('/').map(decodeURIComponent)
    if (request.method !== 'GET' || kind !== 'containerLogs' || !container)
      return refuse(response, 404, 'the local kubelet serves containerLogs only')
    const { disk, wall } = this.#options
    const query = queryOf(url.searchParams, wall.nowMs())
    const directory = this.#options.directoryOf(namespace!, pod!, container)
    const path = directory && logPath(disk, directory, query.previous)
    if (path === undefined) return refuse(response, directory ? 400 : 404, missing(container, pod!, query.previous))
    response.writeHead(200, { 'content-type': 'text/plain' })
    const first = readLog(disk, path, query)
    response.write(first.bytes)
    if (query.follow) await this.#follow(response, path, { ...query, position: first.position, directory: directory! })
    response.end()
  }

  /** Until the reader goes, the container is gone, or its next run has a log of its own. */
  async #follow(response: ServerResponse, path: string, from: LogQuery & { position: number; directory: string }): Promise<void> {
    const { disk, monotonic } = this.#options
    let { position } = from
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the reader went')))
    const signal = AbortSignal.any([gone.signal, this.#stop.signal])
    while (!signal.aborted && disk.stat(path)) {
      const more = readMore(disk, path, position, from.timestamps)
      position = more.position
      if (more.bytes.length > 0 && !response.write(more.bytes)) await drained(response)
      else if (more.bytes.length === 0) {
        if (logPath(disk, from.directory, false) !== path) return
        await monotonic.sleep(FOLLOW_MS, signal).catch(() => {})
      }
    }
  }
}

const missing = (container: string, pod: string, previous: boolean): string =>
  previous
    ? `previous terminated container "${container}" in pod "${pod}" not found`
    : `container "${container}" in pod "${pod}" is waiting to start`

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
  })
