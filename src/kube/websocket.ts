import { createHash, randomBytes } from 'node:crypto'
import * as http from 'node:http'
import * as https from 'node:https'
import type { Duplex } from 'node:stream'
import type { KubeConnection } from './connection.ts'
import { KubeError } from './error.ts'

/** RFC 6455, 5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
export type Message = { opcode: number; payload: Buffer }

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024
const FINAL = 0x80
const MASKED = 0x80

/** A whole message as one frame, masked as a client must. */
export const clientFrame = (opcode: number, payload: Buffer): Buffer => {
  const { length } = payload
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const frame = Buffer.allocUnsafe(6 + lengthBytes + length)
  frame[0] = FINAL | opcode
  frame[1] = MASKED | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127)
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2)
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2)
  const mask = randomBytes(4)
  mask.copy(frame, 2 + lengthBytes)
  const start = 6 + lengthBytes
  for (let at = 0; at < length; at++) frame[start + at] = payload[at]! ^ mask[at & 3]!
  return frame
}

type Frame = { isFinal: boolean; opcode: number; payload: Buffer; sizeBytes: number }

/** Bytes from a server to messages. */
export class MessageReader {
  #bytes: Buffer = Buffer.alloc(0)
  #begun: { opcode: number; parts: Buffer[]; sizeBytes: number } | undefined

  /** The messages that are complete with these bytes. Throws where they are no frames of a server. */
  push(chunk: Buffer): Message[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    const messages: Message[] = []
    for (let frame = this.#frame(); frame; frame = this.#frame()) {
      this.#bytes = this.#bytes.subarray(frame.sizeBytes)
      const message = this.#take(frame)
      if (message) messages.push(message)
    }
    return messages
  }

  #frame(): Frame | undefined {
    const bytes = this.#bytes
    if (bytes.length < 2) return undefined
    if (bytes[1]! & MASKED) throw new Error('the server sent a masked WebSocket frame')
    const short = bytes[1]! & 0x7f
    const start = short === 126 ? 4 : short === 127 ? 10 : 2
    if (bytes.length < start) return undefined
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
    if (length > MAX_MESSAGE_BYTES) throw new Error(`a WebSocket frame of ${length} bytes is too large`)
    if (bytes.length < start + length) return undefined
    return {
      isFinal: (bytes[0]! & FINAL) !== 0,
      opcode: bytes[0]! & 0x0f,
      payload: bytes.subarray(start, start + length),
      sizeBytes: start + length,
    }
  }

  /** Control frames may come between the parts of a message. */
  #take({ isFinal, opcode, payload }: Frame): Message | undefined {
    if (opcode >= OPCODE.close || (isFinal && opcode !== OPCODE.continuation)) return { opcode, payload }
    const begun = (this.#begun ??= { opcode, parts: [], sizeBytes: 0 })
    begun.parts.push(payload)
    begun.sizeBytes += payload.length
    if (begun.sizeBytes > MAX_MESSAGE_BYTES) throw new Error('a WebSocket message is too large')
    if (!isFinal) return undefined
    this.#begun = undefined
    return { opcode: begun.opcode, payload: Buffer.concat(begun.parts) }
  }
}

export type Upgraded = { socket: Duplex; /** What came after the answer's head. */ first: Buffer; protocol: string }

const refusal = (path: string, status: number, text: string): KubeError => {
  try {
    const { reason, message } = JSON.parse(text) as { reason?: string; message?: string }
    return new KubeError(status, reason ?? '', message ?? text.slice(0, 500))
  } catch {
    return new KubeError(status, '', `GET ${path}: ${status} ${text.slice(0, 500)}`)
  }
}

const textOf = async (response: http.IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) if (text.length < 10_000) text += chunk.toString('utf8')
  return text
}

/** Opens a WebSocket at an API server. Rejects with KubeError: the server's refusal, or status 0 where there was no answer. */
export const openWebSocket = async (connection: KubeConnection, path: string, protocol: string, signal: AbortSignal): Promise<Upgraded> => {
  const base = new URL(connection.server)
  const authorization = await connection.authorization()
  const key = randomBytes(16).toString('base64')
  const isPlain = base.protocol === 'http:'
  return new Promise((resolve, reject) => {
    const request = (isPlain ? http.request : https.request)({
      ...connection.tls,
      host: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port || (isPlain ? 80 : 443),
      path: base.pathname.replace(/\/$/, '') + path,
      agent: false,
      signal,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': key,
        'sec-websocket-protocol': protocol,
        ...(authorization ? { authorization } : {}),
      },
    })
    const unreachable = (error: Error): void => reject(new KubeError(0, 'Unreachable', `GET ${path}: ${error.message}`, { cause: error }))
    request.on('error', unreachable)
    request.on('response', (response) => {
      textOf(response).then((text) => reject(refusal(path, response.statusCode ?? 0, text)), unreachable)
    })
    request.on('upgrade', (response, socket, first) => {
      const accepted = createHash('sha1').update(`${key}${GUID}`).digest('base64')
      if (response.headers['sec-websocket-accept'] === accepted)
        return resolve({ socket, first, protocol: response.headers['sec-websocket-protocol'] ?? '' })
      socket.destroy()
      unreachable(new Error('the answer to the upgrade is not for this request'))
    })
    request.end()
  })
}
