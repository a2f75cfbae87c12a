import { request as httpsRequest } from 'node:https'
import { asArray, asObject, asString, at, isObject } from '../json.ts'
import type { Call, Server } from '../rest/context.ts'
import { existing } from '../rest/write.ts'
import { badRequest, StatusError } from '../status.ts'
import type { Exchange } from './exchange.ts'

const QUERY = ['follow', 'tailLines', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'limitBytes']

const containerOf = (server: Server, call: Call, query: URLSearchParams): { node: string; container: string } => {
  const pod = existing(server, call)
  const names = [...asArray(at(pod, 'spec', 'containers')), ...asArray(at(pod, 'spec', 'initContainers'))].map((one) =>
    asString(asObject(one)['name']),
  )
  const asked = query.get('container')
  const main = asArray(at(pod, 'spec', 'containers')).length
  if (!asked && main > 1) throw badRequest(`a container name must be specified for pod ${call.name}, choose one of: [${names.join(' ')}]`)
  const container = asked || names[0]!
  if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${call.name}`)
  const node = asString(at(pod, 'spec', 'nodeName'))
  if (!node) throw badRequest(`container "${container}" in pod "${call.name}" is waiting to start: the pod is not scheduled to a node`)
  return { node, container }
}

const endpointOf = (server: Server, name: string): { host: string; port: number } => {
  const node = server.store.get('/nodes', name)
  const address = asArray(at(node, 'status', 'addresses'))
    .filter(isObject)
    .find((one) => one['type'] === 'InternalIP')
  const port = at(node, 'status', 'daemonEndpoints', 'kubeletEndpoint', 'Port')
  if (!address || typeof port !== 'number' || port === 0) {
    throw new StatusError(500, 'InternalError', `node ${name} does not say where its kubelet listens`)
  }
  return { host: asString(address['address']), port }
}

/** pods/NAME/log: passes the kubelet's answer through as it comes. */
export const proxyLogs = (server: Server, call: Call, exchange: Exchange, kubeletToken: string): Promise<void> => {
  const query = exchange.url.searchParams
  const { node, container } = containerOf(server, call, query)
  const { host, port } = endpointOf(server, node)
  const asked = new URLSearchParams([...query].filter(([key]) => QUERY.includes(key)))
  const path = `/containerLogs/${encodeURIComponent(call.namespace)}/${encodeURIComponent(call.name)}/${encodeURIComponent(container)}?${asked.toString()}`
  return new Promise((resolve, reject) => {
    // The kubelet is reached over loopback; its certificate is its own, and the token says who asks.
    const upstream = httpsRequest({ host, port, path, rejectUnauthorized: false, headers: { authorization: `Bearer ${kubeletToken}` } })
    upstream.on('error', (error) =>
      reject(new StatusError(500, 'InternalError', `the kubelet of node ${node} does not answer: ${error.message}`)),
    )
    upstream.on('response', (answer) => {
      const { response } = exchange
      if (answer.statusCode !== 200) {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.length < 16 && chunks.push(chunk))
        answer.on('end', () =>
          reject(
            new StatusError(
              answer.statusCode ?? 500,
              answer.statusCode === 404 ? 'NotFound' : 'BadRequest',
              Buffer.concat(chunks).toString().trim(),
            ),
          ),
        )
        return
      }
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.flushHeaders()
      answer.pipe(response)
      response.on('close', () => {
        upstream.destroy()
        resolve()
      })
    })
    upstream.end()
  })
}
