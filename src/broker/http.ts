import type { Server, ServerResponse } from 'node:http'
import { ConfigError } from './config/parse.ts'

/** What the pages show; asked at each request. */
export type HttpPages = {
  /** In the Prometheus text format. */
  metrics: () => string | Promise<string>
  /** undefined, or why the broker should be restarted. */
  unhealthy: () => string | undefined
  /** undefined, or what the broker still waits for. */
  notReady: () => string | undefined
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const REQUEST_TIMEOUT_MS = 5000
const MAX_CONNECTIONS = 64

const parseListener = (text: string): { host: string; port: number } => {
  const [, host = '', port = ''] = /^http:\/\/\[?([^\]/]*?)\]?:(\d+)\/?$/.exec(text) ?? []
  if (port === '' || Number(port) > 65_535) {
    throw new ConfigError(
      'sofakafka.http.listener',
      `sofakafka.http.listener=${text} must be http://HOST:PORT, such as http://0.0.0.0:9404`,
    )
  }
  return { host, port: Number(port) }
}

const send = (response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const answer = async (path: string, pages: HttpPages, response: ServerResponse): Promise<void> => {
  if (path === '/metrics') return send(response, 200, await pages.metrics(), METRICS_TYPE)
  if (path !== '/healthz' && path !== '/readyz') return send(response, 404, 'there are /metrics, /healthz and /readyz\n')
  const complaint = path === '/healthz' ? pages.unhealthy() : pages.notReady()
  send(response, complaint === undefined ? 200 : 503, `${complaint ?? 'ok'}\n`)
}

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: Error) =>
      reject(new Error(`sofakafka.http.listener cannot listen on ${host}:${port}: ${cause.message}`, { cause })),
    )
    server.listen({ port, ...(host ? { host } : {}) }, resolve)
  })

/** Serves the pages until `close`. ConfigError for an address that is none; Node's error where it cannot be bound. */
export const openHttp = async (listener: string, pages: HttpPages): Promise<{ port: number; close: () => void }> => {
  const { host, port } = parseListener(listener)
  const { createServer } = await import('node:http')
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'only GET\n')
    const path = (request.url ?? '/').split('?')[0]!
    answer(path, pages, response).catch((error: unknown) => send(response, 500, `${String(error)}\n`))
  })
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, host, port)
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { port: (server.address() as { port: number }).port, close }
}
