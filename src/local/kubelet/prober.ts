import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'

export type ProbeResult = { ok: boolean; message: string }

/** How probes reach a pod; tests pass one without sockets. */
export interface Prober {
  http(url: string, headers: Record<string, string>, timeoutMs: number): Promise<ProbeResult>
  tcp(host: string, port: number, timeoutMs: number): Promise<ProbeResult>
}

const http: Prober['http'] = (url, headers, timeoutMs) =>
  new Promise((resolve) => {
    const start = url.startsWith('https:') ? httpsRequest : httpRequest
    // A kubelet does not check certificates of probed pods: they are made for the service's name, not for the pod's address.
    const call = start(url, {
      headers: { 'user-agent': 'kube-probe', ...headers },
      timeout: timeoutMs,
      rejectUnauthorized: false,
      agent: false,
    })
    call.once('response', (response) => {
      const code = response.statusCode ?? 0
      response.destroy()
      resolve({ ok: code >= 200 && code < 400, message: `HTTP probe failed with statuscode: ${code}` })
    })
    call.once('timeout', () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    call.once('error', (error) => resolve({ ok: false, message: `Get "${url}": ${error.message}` }))
    call.end()
  })

const tcp: Prober['tcp'] = (host, port, timeoutMs) =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (ok: boolean, message: string) => {
      socket.destroy()
      resolve({ ok, message })
    }
    socket.once('connect', () => end(true, ''))
    socket.once('timeout', () => end(false, `dial tcp ${host}:${port}: no answer within ${timeoutMs} ms`))
    socket.once('error', (error) => end(false, `dial tcp ${host}:${port}: ${error.message}`))
  })

export const networkProber: Prober = { http, tcp }
