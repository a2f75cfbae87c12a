import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Link } from './link.ts'

let server: Server
let link: Link

beforeEach(async () => {
  server = createServer((socket) => void socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  link = await Link.open(0, (server.address() as { port: number }).port)
})
afterEach(async () => {
  await link.close()
  await new Promise((resolve) => server.close(resolve))
})

const open = () => connect({ port: link.port, host: '127.0.0.1' }).on('error', () => {})
const next = (socket: Socket) => new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())))
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))
const echo = (socket: Socket, text: string) => {
  socket.write(text)
  return next(socket)
}

test('relays both ways, refuses while it is cut, and relays again', async () => {
  const socket = open()
  expect(await echo(socket, 'one')).toBe('one')
  const ended = closed(socket)
  link.cut('refuse')
  await ended
  await closed(open())
  link.heal()
  const again = open()
  expect(await echo(again, 'two')).toBe('two')
})

test('swallows without telling, and ends what was swallowed when it heals', async () => {
  const socket = open()
  expect(await echo(socket, 'one')).toBe('one')
  link.cut('swallow')
  const answer = await Promise.race([echo(socket, 'two'), closed(socket), new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))])
  expect(answer).toBe('nothing')
  const ended = closed(socket)
  link.heal()
  await ended
})

test('a slow link delays every byte and keeps their order when it is healed', async () => {
  const socket = open()
  await echo(socket, 'warm')
  link.slow(60)
  const startMs = performance.now()
  let got = ''
  const all = new Promise<void>((resolve) => socket.on('data', (chunk) => (got += chunk.toString()) === 'abc' && resolve()))
  socket.write('a')
  await new Promise((resolve) => setTimeout(resolve, 10))
  socket.write('b')
  await new Promise((resolve) => setTimeout(resolve, 10))
  link.heal()
  socket.write('c')
  await all
  expect(performance.now() - startMs).toBeGreaterThan(55)
})
