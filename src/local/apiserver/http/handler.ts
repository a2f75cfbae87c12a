import type { MonotonicClock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/logger.ts'
import { etagOf } from '../discovery.ts'
import type { JsonObject } from '../json.ts'
import type { Resource } from '../resources.ts'
import { asBodyObject, decodeBody } from '../rest/body.ts'
import type { Call, Server } from '../rest/context.ts'
import { list } from '../rest/list.ts'
import { shown, viewOf } from '../rest/view.ts'
import { Watch } from '../rest/watch.ts'
import { existing } from '../rest/write.ts'
import { review } from '../reviews.ts'
import { methodNotAllowed, noSuchResource, notServed, StatusError, unauthorized } from '../status.ts'
import type { Tokens } from '../tokens.ts'
import { addWarnings, mediaType, readBody, sendJson, sendStatus, sendText, type Exchange } from './exchange.ts'
import { documentAt } from './documents.ts'
import { proxyLogs } from './logs.ts'
import { isReview, subresource, writeMain } from './objects.ts'
import { parsePath, type Target } from './path.ts'
import { streamTo } from './stream.ts'

const UNSERVED = ['exec', 'attach', 'portforward', 'proxy', 'ephemeralcontainers', 'resize']

/** Answers every request that has passed the guards. */
export class Handler {
  readonly #server: Server
  readonly #tokens: Tokens
  readonly #clock: MonotonicClock
  readonly #logger: Logger
  readonly #kubeletToken: string
  readonly #watches = new Set<Watch>()

  constructor(options: { server: Server; tokens: Tokens; clock: MonotonicClock; logger: Logger; kubeletToken: string }) {
    this.#server = options.server
    this.#tokens = options.tokens
    this.#clock = options.clock
    this.#logger = options.logger
    this.#kubeletToken = options.kubeletToken
  }

  async handle(exchange: Exchange): Promise<void> {
    try {
      await this.#route(exchange)
    } catch (error) {
      if (!(error instanceof StatusError))
        this.#logger.error({ err: error, method: exchange.request.method, path: exchange.url.pathname }, 'request failed')
      const words = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`
      sendStatus(exchange.response, error instanceof StatusError ? error : new StatusError(500, 'InternalError', words))
    }
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end()
  }

  #route(exchange: Exchange): Promise<void> | void {
    const path = exchange.url.pathname.replace(/\/+$/, '') || '/'
    const document = this.#document(path, exchange)
    if (document) return this.#sendDocument(exchange, document)
    const target = parsePath(path)
    if (!target) return sendText(exchange.response, 404, '404 page not found\n')
    const resource = this.#server.resources.find(target.groupVersion, target.plural)
    if (!resource) {
      if (!this.#server.resources.all().some((one) => one.groupVersion === target.groupVersion))
        return sendText(exchange.response, 404, '404 page not found\n')
      throw noSuchResource()
    }
    return this.#object(exchange, target, resource)
  }

  #document(path: string, exchange: Exchange): JsonObject | undefined {
    const accept = exchange.request.headers.accept ?? ''
    return documentAt(this.#server.resources, path, accept.includes('as=APIGroupDiscoveryList') && accept.includes('v=v2'))
  }

  #sendDocument({ request, response }: Exchange, document: JsonObject): void {
    if (request.method !== 'GET') throw methodNotAllowed()
    const etag = `"${etagOf(JSON.stringify(document))}"`
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end()
    const isAggregated = document['kind'] === 'APIGroupDiscoveryList'
    const type = isAggregated ? 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' : 'application/json'
    sendJson(response, 200, document, { etag, 'content-type': type, vary: 'Accept' })
  }

  #call(exchange: Exchange, target: Target, resource: Resource): Call {
    const query = exchange.url.searchParams
    const validation = query.get('fieldValidation')
    return {
      resource,
      namespace: target.namespace,
      name: target.name,
      subresource: target.subresource,
      manager:
        query.get('fieldManager') ??
        (mediaType(exchange.request) === 'application/apply-patch+yaml'
          ? ''
          : (exchange.request.headers['user-agent'] ?? 'unknown').split('/')[0]!.slice(0, 128)),
      dryRun: query.get('dryRun') === 'All',
      fieldValidation: validation === 'Ignore' || validation === 'Strict' ? validation : 'Warn',
      warnings: [],
    }
  }

  async #object(exchange: Exchange, target: Target, resource: Resource): Promise<void> {
    const call = this.#call(exchange, target, resource)
    if (isReview(resource)) return this.#review(exchange, resource)
    if (target.subresource) return this.#subresource(exchange, call)
    const isRead = exchange.request.method === 'GET'
    if (target.namespace && !resource.namespaced) throw noSuchResource()
    if (isRead && !target.name) return this.#collection(exchange, call)
    if (isRead) return this.#send(exchange, call, { code: 200, object: existing(this.#server, call) })
    this.#checkVerb(exchange, call)
    return this.#send(exchange, call, await writeMain(this.#server, call, exchange))
  }

  #checkVerb(exchange: Exchange, call: Call): void {
    const { method } = exchange.request
    const needsName = method === 'PUT' || method === 'PATCH'
    const verb = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: call.name ? 'delete' : 'deletecollection' }[method ?? '']
    if (!verb || !call.resource.verbs.includes(verb)) throw methodNotAllowed()
    if (needsName !== (call.name !== '') && method !== 'DELETE') throw methodNotAllowed()
    if (call.resource.namespaced && !call.namespace && method !== 'DELETE') throw methodNotAllowed()
  }

  async #subresource(exchange: Exchange, call: Call): Promise<void> {
    const { resource } = call
    if (UNSERVED.includes(call.subresource) && resource.group === '') throw notServed(`${resource.plural}/${call.subresource}`)
    if (!resource.subresources.has(call.subresource)) throw noSuchResource()
    if (call.subresource === 'log') return proxyLogs(this.#server, call, exchange, this.#kubeletToken)
    return this.#send(exchange, call, await subresource(this.#server, call, exchange, this.#tokens))
  }

  async #review({ request, response, identity }: Exchange, resource: Resource): Promise<void> {
    if (request.method !== 'POST') throw methodNotAllowed()
    const body = asBodyObject(await decodeBody(await readBody(request), mediaType(request)))
    if (!identity) throw unauthorized()
    sendJson(response, 201, review(resource.kind, { ...body, apiVersion: resource.groupVersion }, { identity, tokens: this.#tokens }))
  }

  #collection(exchange: Exchange, call: Call): void {
    const { url, response, request } = exchange
    const query = url.searchParams
    const listCall = { resource: call.resource, namespace: call.namespace, query, view: viewOf(request.headers.accept ?? '', query) }
    if (query.get('watch') !== 'true' && query.get('watch') !== '1') return sendJson(response, 200, list(this.#server, listCall))
    const sink = streamTo(response)
    const watch = Watch.start(this.#server, listCall, { sink, clock: this.#clock })
    this.#watches.add(watch)
    if (!response.headersSent)
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'transfer-encoding': 'chunked' })
    response.flushHeaders()
    response.on('close', () => {
      watch.end()
      this.#watches.delete(watch)
    })
  }

  #send({ request, response, url }: Exchange, call: Call, reply: Awaited<ReturnType<typeof writeMain>>): void {
    addWarnings(response, call.warnings)
    if ('status' in reply) return sendJson(response, reply.code, reply.status)
    const view = viewOf(request.headers.accept ?? '', url.searchParams)
    const isOwnKind = reply.object.kind === call.resource.kind
    sendJson(response, reply.code, isOwnKind ? shown(reply.object, call.resource, view, this.#server.wall.nowMs()) : reply.object)
  }
}
