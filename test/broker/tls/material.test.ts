import { createPrivateKey } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { createLogger } from '../../../src/base/logger.ts'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { BrokerConfig } from '../../../src/broker/config/broker-config.ts'
import { listenersOf } from '../../../src/broker/config/listeners.ts'
import { Handshakes, HandshakeTurns } from '../../../src/broker/tls/handshakes.ts'
import { ListenerTls } from '../../../src/broker/tls/listener-tls.ts'
import { type ServerMaterial, serverMaterial } from '../../../src/broker/tls/material.ts'
import { cipherOf } from '../../../src/broker/tls/protocols.ts'
import { createCertificate } from '../../../src/security/certificates.ts'
import { pkcs12 } from '../../../src/security/pkcs12.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { authority, Files, keyStore } from './support.ts'

const ours = authority('ours')
const files = new Files()
afterAll(() => files.remove())
const certificate = ours.issue('broker')
const good = files.write('good.pem', keyStore(certificate))
const trust = files.write('ca.pem', ours.pem)
const encrypted = createPrivateKey(certificate.keyPem)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
  .toString()

const configOf = (properties: Record<string, string>, protocol = 'SSL'): BrokerConfig =>
  BrokerConfig.parse(
    new Map(
      Object.entries({
        'zookeeper.connect': 'unused:2181',
        listeners: 'OUTSIDE://:0',
        'listener.security.protocol.map': `OUTSIDE:${protocol}`,
        'ssl.keystore.type': 'PEM',
        'ssl.truststore.type': 'PEM',
        ...properties,
      }),
    ),
  )

const material = (properties: Record<string, string>, protocol?: string): ServerMaterial => {
  const config = configOf(properties, protocol)
  return serverMaterial(config, listenersOf(config)[0]!, nodeDisk)
}
const store = (path: string) => ({ 'ssl.keystore.location': path })

describe('a key store', () => {
  test.each([
    ['key and chain in a file', store(good)],
    ['the chain before the key', store(files.write('turned.pem', certificate.certificatePem + certificate.keyPem))],
    ['the authority before the certificate', store(files.write('mixed.pem', ours.pem + certificate.keyPem + certificate.certificatePem))],
    ['an encrypted key', { ...store(files.write('encrypted.pem', encrypted + certificate.certificatePem)), 'ssl.key.password': 'secret' }],
    [
      'key and chain in the configuration',
      { 'ssl.keystore.key': certificate.keyPem, 'ssl.keystore.certificate.chain': certificate.certificatePem },
    ],
    ['a store of this listener', { 'ssl.keystore.location': '/nowhere', 'listener.name.outside.ssl.keystore.location': good }],
  ])('may be %s', (_what, properties) => {
    const { leaf, context } = material(properties)
    expect(leaf.subject).toBe('CN=broker')
    expect(String(context.cert)).toMatch(new RegExp(`^${leaf.toString().trimEnd()}`.replace(/[+/]/g, '\\$&')))
  })

  test.each([
    ['nothing', {}, /listener OUTSIDE uses SSL and has no certificate: write .*ssl\.keystore\.location=FILE/],
    ['an absent file', store('/nowhere.pem'), /ssl\.keystore\.location=\/nowhere\.pem: the file cannot be read/],
    [
      'a Java key store',
      store(files.write('store.jks', Buffer.from('feedfeed00000002', 'hex'))),
      /JKS.*keytool -importkeystore .* && openssl pkcs12 /,
    ],
    [
      'PKCS #12',
      { ...store('p12'), 'ssl.keystore.type': 'PKCS12' },
      /openssl pkcs12 -in \S+ -nodes -out \S+ and write .*ssl\.keystore\.type=PEM/,
    ],
    ['PEM without its type', { ...store(good), 'ssl.keystore.type': 'JKS' }, /write listener\.name\.outside\.ssl\.keystore\.type=PEM/],
    ['no key', store(files.write('no-key.pem', certificate.certificatePem)), /holds no private key/],
    ['no certificate', store(files.write('no-cert.pem', certificate.keyPem)), /holds no certificate/],
    [
      'a foreign key',
      store(files.write('foreign.pem', ours.issue('x').keyPem + certificate.certificatePem)),
      /belongs to none of its certificates/,
    ],
    ['a broken certificate', store(files.write('broken.pem', keyStore(certificate).replace(/\nMI/, '\nXX'))), /cannot be read/],
    [
      'an encrypted key without its password',
      store(files.write('e1.pem', encrypted + certificate.certificatePem)),
      /no password is given for it/,
    ],
    [
      'an encrypted key with a wrong password',
      { ...store(files.write('e2.pem', encrypted + certificate.certificatePem)), 'ssl.key.password': 'guess' },
      /that its password does not open/,
    ],
  ])('of %s is refused in words', (_what, properties, message) => {
    const named: Record<string, string> = properties
    if (named['ssl.keystore.location'] === 'p12') {
      const bytes = pkcs12({ keyPem: certificate.keyPem, certificatesPem: [certificate.certificatePem], password: 'p' })
      named['ssl.keystore.location'] = files.write('store.p12', bytes)
    }
    expect(() => material(named)).toThrow(message)
    const hidden = certificate.keyPem.split('\n')[1]!.slice(0, 20)
    expect(() => material(named)).not.toThrow(new RegExp(`secret|guess|${hidden.replace(/[+/]/g, '\\$&')}`))
  })
})

test.each([
  ['client certificates without a trust store', { 'ssl.client.auth': 'required' }, /needs to know who signs the clients' certificates/],
  ['versions with a gap', { 'ssl.enabled.protocols': 'TLSv1.1,TLSv1.3' }, /leaves out a version between two others/],
  ['unknown versions', { 'ssl.enabled.protocols': 'SSLv3,TLSv1.2' }, /name some of TLSv1/],
  ['unknown protocols', { 'ssl.protocol': 'SSLv3' }, /ssl\.protocol=SSLv3 is not served/],
  ['unknown ciphers', { 'ssl.cipher.suites': 'TLS_FANCY_WITH_NOTHING' }, /there is no cipher suite TLS_FANCY_WITH_NOTHING/],
  ['rules that are none', { 'ssl.principal.mapping.rules': 'RULE:x' }, /ssl\.principal\.mapping\.rules: the rule .* lacks a slash/],
])('%s are refused in words', (_what, properties, message) => {
  expect(() => material({ ...store(good), ...(properties as Record<string, string>) })).toThrow(message)
})

test('on SASL_SSL only the key of the listener itself asks for certificates', () => {
  const plain = { ...store(good), 'ssl.truststore.location': trust, 'ssl.client.auth': 'required' }
  expect(material(plain).clientAuth).toBe('required')
  expect(material(plain, 'SASL_SSL').clientAuth).toBe('none')
  expect(material({ ...plain, 'listener.name.outside.ssl.client.auth': 'requested' }, 'SASL_SSL').clientAuth).toBe('requested')
})

test.each([
  ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_DHE_RSA_WITH_AES_128_GCM_SHA256', 'DHE-RSA-AES128-GCM-SHA256'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384', 'ECDHE-RSA-AES256-SHA384'],
  ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_KRB5_WITH_RC4_128_SHA', undefined],
])('Java’s cipher suite %s is OpenSSL’s %s', (java, openssl) => {
  expect(cipherOf(java)).toBe(openssl)
})

describe('handshakes', () => {
  const listen = async (accept: (raw: Socket) => unknown) => {
    const server = createServer({ pauseOnConnect: true }, (raw) => {
      raw.on('error', () => raw.destroy())
      void accept(raw)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { server, port: (server.address() as AddressInfo).port }
  }

  test('begin four per turn of the event loop, in the order of the clients', async () => {
    const turns = new HandshakeTurns()
    const begun: number[] = []
    const perTurn: number[] = []
    for (let n = 0; n < 10; n++) void turns.next().then(() => begun.push(n))
    while (begun.length < 10) {
      const before = begun.length
      await new Promise((resolve) => setImmediate(resolve))
      perTurn.push(begun.length - before)
    }
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(Math.max(...perTurn)).toBe(4)
  })

  test('of a client that says nothing end after 30 s', async () => {
    const clock = new ManualClock()
    const handshakes = new Handshakes(material(store(good)), clock)
    const outcome = Promise.withResolvers<string>()
    const { server, port } = await listen((raw) => handshakes.accept(raw).catch((error: Error) => outcome.resolve(error.message)))
    const client = connect(port, '127.0.0.1').resume()
    const closed = new Promise((resolve) => client.once('close', resolve))
    while (clock.timers === 0) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(30_000)
    expect(await outcome.promise).toBe('no handshake within 30000 ms')
    await closed
    expect(clock.timers).toBe(0)
    server.close()
  })

  test('begin anew after the files changed: no session goes on that another certificate began', async () => {
    const tls12 = { 'ssl.enabled.protocols': 'TLSv1.2' }
    let handshakes = new Handshakes(material({ ...store(good), ...tls12 }), monotonicClock)
    const { server, port } = await listen((raw) =>
      handshakes.accept(raw).then(
        ({ socket }) => socket.resume(),
        () => {},
      ),
    )
    const once = (session?: Buffer): Promise<TLSSocket> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ port, host: '127.0.0.1', ca: ours.pem, ...(session ? { session } : {}) }, () => resolve(socket))
        socket.once('error', reject)
      })
    const first = await once()
    const again = await once(first.getSession())
    expect(again.isSessionReused()).toBe(true)
    handshakes = new Handshakes(material({ ...store(files.write('next.pem', keyStore(ours.issue('next')))), ...tls12 }), monotonicClock)
    const other = await once(first.getSession())
    expect(other.isSessionReused()).toBe(false)
    expect(other.getPeerX509Certificate()!.subject).toBe('CN=next')
    for (const socket of [first, again, other]) socket.destroy()
    server.close()
  })
})

test('a certificate that has ended is served, and told of', () => {
  const ended = createCertificate({ commonName: 'old', nowMs: Date.UTC(2020, 0), validMs: 86_400_000 })
  const config = configOf(store(files.write('ended.pem', keyStore(ended))))
  const lines: string[] = []
  const tls = new ListenerTls({
    endpoint: listenersOf(config)[0]!,
    config: () => config,
    disk: nodeDisk,
    clocks: { monotonic: monotonicClock, wall: wallClock },
    logger: createLogger('test', 'info', { write: (line) => lines.push(line) }),
  })
  expect(tls.figures).toEqual({ listener: 'OUTSIDE', notAfterMs: Date.UTC(2020, 0, 2), reloads: 0, isStale: false })
  expect(lines.join('')).toContain('the certificate of a TLS listener has ended, clients will refuse it: renew it')
})
