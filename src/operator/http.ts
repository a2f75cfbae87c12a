import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type HttpPages = { metrics: () => string; isHealthy: () => boolean; isReady: () => boolean }

/** /metrics, /healthz and /readyz over plain HTTP. */
export const startHttp = (pages: HttpPages, place: { host: string; port: number }): Promise<{ port: number; close(): Promise<void> }> =>
  new Promise((resolve, reject) => {
    const answers: Record<string, () => [number, string]> = {
      '/metrics': () => [200, pages.metrics()],
      '/healthz': () => (pages.isHealthy() ? [200, 'ok\n'] : [503, 'no progress\n']),
      '/readyz': () => (pages.isReady() ? [200, 'ok\n'] : [503, 'not ready\n']),
    }
    const server = createServer((request, response) => {
      const answer = answers[(request.url ?? '').split('?')[0]!]
      const [status, text] = answer ? answer() : [404, 'there are /metrics, /healthz and /readyz\n']
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text)
    })
    server.on('error', reject)
    server.listen(place.port, place.host, () => {
      const close = () =>
        new Promise<void>((done) => {
          server.close(() => done())
          server.closeAllConnections()
        })
      resolve({ port: (server.address() as AddressInfo).port, close })
    })
  })
