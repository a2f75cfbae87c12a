import { createCertificate } from '../../src/security/certificates.ts'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { Balanced } from './balanced.ts'
import { throughPortForward } from './cli-story.ts'

/** A request for API versions, version 0: its size, key 18, version, correlation id, no client id. */
const API_VERSIONS = Buffer.from('0000000a0012000000000001ffff', 'hex')

const LINES = Array.from({ length: 1000 }, (_unused, index) => `record-${index}`)

describe.skipIf(lacks('kubectl', 'kcat'))('listeners behind load balancers, with TLS', () => {
  const place = new Balanced()
  beforeAll(() => place.start(), 120_000)
  afterAll(() => place.stop(), 60_000)

  test('no broker starts before the load balancers have addresses; with them everything becomes Ready', async () => {
    const { message } = await place.becomes('skc/ant', 'AddressPending')
    expect(message).toContain('waiting for an address for the load balancer of the Service ant-sasl-0')
    expect((await place.kubectl.run(['get', 'pod', 'ant-kafka-0'])).stderr).toContain('not found')
    await place.balance()
  }, 240_000)

  test('kcat produces with a certificate and consumes with a password, each broker under its own address and name', async () => {
    const produced = await place.kcat('by-certificate', ['-P', '-t', 'orders', '-X', 'acks=all'], LINES.join('\n'))
    expect([produced.code, produced.stderr.replace(/^% Reading configuration.*\n/, '')]).toEqual([0, ''])
    const { stdout } = await place.kcat('by-password', ['-C', '-t', 'orders', '-o', 'beginning', '-e', '-q'])
    expect(stdout.trim().split('\n').sort()).toEqual([...LINES].sort())
    const metadata = await place.kcat('by-certificate', ['-L', '-t', 'orders'])
    const told = [...metadata.stdout.matchAll(/broker \d at (\S+?):(\d+)/g)].map(([, host, port]) => `${host}:${port}`)
    type Status = { status: { listeners: { name: string; brokers?: { host: string; port: number }[] }[] } }
    const { status } = await place.kubectl.json<Status>('get', 'skc', 'ant')
    const { brokers } = status.listeners.find(({ name }) => name === 'mtls')!
    expect(told.sort()).toEqual(brokers!.map(({ host, port }) => `${host}:${port}`))
    const events = await place.kubectl.ok(['get', 'events', '-o', 'jsonpath={range .items[*]}{.message}{"\\n"}{end}'])
    expect(events).toMatch(/listener mtls: clients outside connect to 127/)
    expect(events).not.toContain('is replaced')
  }, 60_000)

  test('the command line goes to each broker\u2019s pod whatever address it advertises: by certificate, by password, and as the operator', async () => {
    await throughPortForward(place.local, place.kubectl, async (run, opened) => {
      const produced = await run('produce orders --connect forward -K - --user by-certificate', { input: 'a-1\nb-2\nc-3\nd-4' })
      expect([produced.code, produced.err]).toEqual([0, '4 records written to orders\n'])
      const consumed = await run('consume orders --connect forward --user by-password --from -10m --exit')
      expect([consumed.code, consumed.out.split('\n')]).toEqual([0, expect.arrayContaining(['1', '2', '3', '4'])])
      expect((await run('group list --connect forward')).code).toBe(0)
      expect((await run('group list --connect forward -c ant -n nowhere')).code).toBe(3)
      expect(new Set(opened)).toEqual(new Set([9091, 9094, 9095].flatMap((port) => [`ant-kafka-0:${port}`, `ant-kafka-1:${port}`])))
    })
  }, 60_000)

  test('a client without a certificate is turned away, and one with a certificate of another authority', async () => {
    const { text } = await place.unpack('by-certificate')
    const [host = '', port = ''] = text('bootstrap.servers').split(':')
    const answer = (own: { cert?: string; key?: string }) =>
      new Promise<string>((resolve) => {
        const socket = connectTls({ host, port: Number(port), ca: text('ca.crt'), ...own })
        // With TLS 1.3 the client is through with the handshake before the broker has looked at its certificate: only an answer tells.
        socket.once('secureConnect', () => socket.write(API_VERSIONS))
        socket.once('data', () => {
          resolve('served')
          socket.destroy()
        })
        socket.once('error', ({ message }) => resolve(message))
        socket.once('close', () => resolve('closed'))
      })
    const nowMs = Date.now()
    const stranger = createCertificate({ commonName: 'by-certificate', nowMs, ca: createCertificate({ commonName: 'other', nowMs }) })
    expect(await answer({})).toMatch(/certificate required|handshake failure/)
    expect(await answer({ cert: stranger.certificatePem, key: stranger.keyPem })).toMatch(/unknown ca|closed/)
    expect(await answer({ cert: text('user.crt'), key: text('user.key') })).toBe('served')
  }, 30_000)

  test('a listener that goes takes its Services along and leaves the others', async () => {
    const names = async () => (await place.kubectl.ok(['get', 'services', '-o', 'name'])).trim().split('\n')
    expect(await names()).toContain('service/ant-mtls-1')
    const remove = JSON.stringify([{ op: 'remove', path: '/spec/listeners/1' }])
    await place.kubectl.ok(['patch', 'skc/ant', '--type=json', '-p', remove])
    await eventually(async () => !(await names()).some((name) => name.startsWith('service/ant-mtls')), { timeoutMs: 30_000, everyMs: 200 })
    expect(await names()).toContain('service/ant-sasl-1')
  }, 60_000)
})
