import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectionTo } from '../../src/kube/connection.ts'
import { PortForwardStream } from '../../src/kube/port-forward.ts'
import { clientFrame, MessageReader, OPCODE } from '../../src/kube/websocket.ts'
import { freePort } from '../support/net.ts'
import { type ForwardingServer, startForwardingServer } from '../support/port-forward-server.ts'

let echo: Server
let api: ForwardingServer
const open = (pod: string): PortForwardStream => new PortForwardStream(connectionTo(api.url), { namespace: 'default', name: pod }, 9092)

beforeAll(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => (chunk.toString('latin1') === 'bye' ? socket.end('bye') : socket.write(chunk)))
  })
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  const { port } = echo.address() as { port: number }
  const nobody = await freePort()
  api = await startForwardingServer((pod) =>
    pod === 'there' ? { host: '127.0.0.1', port } : pod === 'silent' ? { host: '127.0.0.1', port: nobody } : undefined,
  )
})
afterAll(async () => {
  await api.stop()
  echo.close()
})

describe('a forwarded port', () => {
  test('carries bytes both ways, large ones too, and ends when the pod ends it', async () => {
    const stream = open('there')
    const sent = Buffer.alloc(700_000, 'abcdefg')
    stream.write(sent)
    await once(stream, 'connect')
    let got = Buffer.alloc(0)
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      got = Buffer.concat([got, chunk])
      if (got.length === sent.length) stream.write('bye')
    }
    expect(got.equals(Buffer.concat([sent, Buffer.from('bye')]))).toBe(true)
    expect(stream.destroyed).toBe(true)
  })

  test('fails in words where the pod is not there, and where nothing listens in it', async () => {
    const [missing] = (await once(open('missing'), 'error')) as [Error]
    expect(missing).toMatchObject({ message: 'pods "missing" not found', status: 404 })
    const [silent] = (await once(open('silent'), 'error')) as [Error]
    expect(silent.message).toContain('forwarding port: connect ECONNREFUSED')
  })

  test('closed before it is open, it leaves nothing', async () => {
    const stream = open('there')
    stream.destroy()
    await once(stream, 'close')
    expect(stream.destroyed).toBe(true)
  })
})

describe('WebSocket frames', () => {
  const fromServer = (bytes: number[], payload = ''): Buffer => Buffer.concat([Buffer.from(bytes), Buffer.from(payload)])

  test('come in any pieces, fragmented, with control frames in between', () => {
    const bytes = Buffer.concat([
      fromServer([0x02, 2], 'ab'),
      fromServer([0x89, 1], 'p'),
      fromServer([0x80, 1], 'c'),
      fromServer([0x82, 126, 0, 130], 'x'.repeat(130)),
    ])
    const reader = new MessageReader()
    const messages = [...bytes].flatMap((byte) => reader.push(Buffer.of(byte)))
    expect(messages.map(({ opcode, payload }) => [opcode, payload.toString()])).toEqual([
      [OPCODE.ping, 'p'],
      [OPCODE.binary, 'abc'],
      [OPCODE.binary, 'x'.repeat(130)],
    ])
  })

  test('of a client are masked; a masked one from a server is refused', () => {
    const frame = clientFrame(OPCODE.binary, Buffer.alloc(70_000, 1))
    expect(frame[1]).toBe(0x80 | 127)
    expect(() => new MessageReader().push(clientFrame(OPCODE.binary, Buffer.from('x')))).toThrow('masked')
  })
})
