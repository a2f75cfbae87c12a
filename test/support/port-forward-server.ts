import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { request as secureRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { KubeConnection } from '../../src/kube/connection.ts'

/** Where a pod's port is on this machine. */
export type Forwards = (pod: string, port: number) => { host: string; port: number } | undefined

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const PATH = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward\?ports=(\d+)$/

const frame = (payload: Buffer): Buffer => {
  const head = payload.length < 126 ? Buffer.of(0x82, payload.length) : Buffer.alloc(4)
  if (payload.length >= 126) {
    head[0] = 0x82
    head[1] = 126
    head.writeUInt16BE(payload.length, 2)
  }
  return Buffer.concat([head, payload])
}

/** Frames of a client: opcode and unmasked payload. */
const clientFrames = (onFrame: (opcode: number, payload: Buffer) => void): ((chunk: Buffer) => void) => {
  let bytes = Buffer.alloc(0)
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    for (;;) {
      if (bytes.length < 6) return
      if (!(bytes[1]! & 0x80)) throw new Error('a client must mask its frames')
      const short = bytes[1]! & 0x7f
      const start = short === 126 ? 4 : short === 127 ? 10 : 2
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
      if (bytes.length < start + 4 + length) return
      const mask = bytes.subarray(start, start + 4)
      const payload = Buffer.from(bytes.subarray(start + 4, start + 4 + length)).map((byte, at) => byte ^ mask[at & 3]!)
      onFrame(bytes[0]! & 0x0f, Buffer.from(payload))
      bytes = bytes.subarray(start + 4 + length)
    }
  }
}

const serve = (socket: Duplex, target: Socket, port: number): void => {
  const portBytes = Buffer.of(port & 0xff, port >> 8)
  for (const channel of [0, 1]) socket.write(frame(Buffer.concat([Buffer.of(channel), portBytes])))
  target.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += 30_000) socket.write(frame(Buffer.concat([Buffer.of(0), chunk.subarray(at, at + 30_000)])))
  })
  target.on('error', (error) => socket.write(frame(Buffer.concat([Buffer.of(1), Buffer.from(`forwarding port: ${error.message}`)]))))
  target.on('close', () => socket.end(Buffer.of(0x88, 0)))
  socket.on(
    'data',
    clientFrames((opcode, payload) => {
      if (opcode === 8) target.end()
      else if (payload[0] === 0) target.write(payload.subarray(1))
    }),
  )
  socket.on('close', () => target.destroy())
  socket.on('error', () => target.destroy())
}

export type ForwardingServer = {
  url: string
  /** A kubeconfig of it, for who logs in nowhere: the server does. */ kubeconfig: string
  /** What was forwarded, as pod:port. */ opened: string[]
  stop(): Promise<void>
}

/**
 * The subresource portforward of pods as a real API server has it (v4.channel.k8s.io), and every other request passed on to `behind`.
 */
export const startForwardingServer = async (forwards: Forwards, behind?: KubeConnection): Promise<ForwardingServer> => {
  const opened: string[] = []
  const pass = async (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { server, tls, authorization }: KubeConnection,
  ): Promise<void> => {
    const { url = '/', method, headers } = incoming
    const target = new URL(url, server)
    const login = await authorization()
    const send = target.protocol === 'http:' ? request : secureRequest
    const options = { method, ...tls, headers: { ...headers, host: target.host, ...(login ? { authorization: login } : {}) } }
    const passed = send(target, options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    outgoing.on('close', () => passed.destroy())
    incoming.pipe(passed)
  }
  const server: Server = createServer((incoming, outgoing) => {
    if (behind) void pass(incoming, outgoing, behind)
    else outgoing.writeHead(404).end()
  })
  const sockets = new Set<Duplex>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex) => {
    const [, , pod = '', port = ''] = PATH.exec(incoming.url ?? '') ?? []
    const target = forwards(pod, Number(port))
    if (!target) {
      const text = JSON.stringify({ kind: 'Status', reason: 'NotFound', message: `pods "${pod}" not found`, code: 404 })
      return void socket.end(
        `HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
      )
    }
    opened.push(`${pod}:${port}`)
    const accept = createHash('sha1').update(`${incoming.headers['sec-websocket-key']}${GUID}`).digest('base64')
    const protocol = incoming.headers['sec-websocket-protocol']
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
    )
    serve(socket, connect(target), Number(port))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const cluster = { name: 'c', cluster: { server: url } }
  const context = { name: 'c', context: { cluster: 'c' } }
  return {
    url,
    kubeconfig: JSON.stringify({ 'current-context': 'c', clusters: [cluster], contexts: [context] }),
    opened,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
