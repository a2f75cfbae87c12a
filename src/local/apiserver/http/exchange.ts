import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject } from '../json.ts'
import type { StatusError } from '../status.ts'
import { tooLarge } from '../status.ts'
import type { Identity } from '../types.ts'

/** As much as the real server reads of a request. */
const BODY_LIMIT_BYTES = 3 * 1024 * 1024

/** One request and the way to answer it. */
export type Exchange = { request: IncomingMessage; response: ServerResponse; url: URL; identity: Identity }

export const mediaType = (request: IncomingMessage): string => (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()

/** The whole body; grows with what arrives and ends with 413 beyond the limit. */
export const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request) {
    const bytes = chunk as Buffer
    sizeBytes += bytes.length
    if (sizeBytes > BODY_LIMIT_BYTES) throw tooLarge(BODY_LIMIT_BYTES)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

export const sendJson = (response: ServerResponse, code: number, body: JsonObject, headers: Record<string, string> = {}): void => {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`)
  response.writeHead(code, {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    'content-length': bytes.length,
    ...headers,
  })
  response.end(bytes)
}

export const sendText = (response: ServerResponse, code: number, text: string): void => {
  response.writeHead(code, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** An unread body makes the connection useless for another request. */
export const sendStatus = (response: ServerResponse, error: StatusError): void => {
  if (response.headersSent) return void response.destroy()
  if (!response.req.complete) response.setHeader('connection', 'close')
  if (error.code === 429) response.setHeader('retry-after', '10')
  sendJson(response, error.code, error.toStatus())
}

/** RFC 7234 Warning headers, as the API server gives them. */
export const addWarnings = (response: ServerResponse, warnings: readonly string[]): void => {
  if (warnings.length === 0) return
  response.setHeader(
    'warning',
    warnings.slice(0, 50).map((text) => `299 - "${text.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, '?')}"`),
  )
}
