import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { connect } from 'node:net'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { KafkaConnection } from '../../../src/client/connection.ts'
import type { ClientTlsSource } from '../../../src/client/tls.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import { metadata } from '../../../src/protocol/api/03-metadata.ts'
import { formatPrincipal } from '../../../src/security/principal.ts'
import { credentialOfPassword } from '../../../src/security/scram.ts'
import { batchOf, valuesOf } from '../../support/batches.ts'
import { eventually } from '../../support/net.ts'
import { startTestBroker, type TestBroker, type TestBrokerOptions } from '../../support/test-broker.ts'
import { authority, Files, keyStore } from './support.ts'

const ours = authority('ours')
const theirs = authority('theirs')
const files = new Files()
afterAll(() => files.remove())

const open: { end(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.end()
})

type Started = TestBroker & { principals: string[] }
const start = async (
  protocol: 'SSL' | 'SASL_SSL',
  properties: Record<string, string>,
  options: TestBrokerOptions = {},
): Promise<Started> => {
  const principals: string[] = []
  const broker = await startTestBroker({
    topics: { t: 1 },
    authorizer: { isAllowed: ({ principal }) => principals.push(formatPrincipal(principal)) > 0, authorizedOperations: () => 0 },
    ...options,
    properties: {
      listeners: `OUTSIDE://127.0.0.1:0`,
      'listener.security.protocol.map': `OUTSIDE:${protocol}`,
      'inter.broker.listener.name': 'OUTSIDE',
      'listener.name.outside.ssl.keystore.type': 'PEM',
      'listener.name.outside.ssl.keystore.location': files.write('server.pem', keyStore(ours.issue('broker'))),
      'listener.name.outside.ssl.truststore.type': 'PEM',
      'listener.name.outside.ssl.truststore.location': files.write('ca.pem', ours.pem),
      ...properties,
    },
  })
  open.push(broker)
  return { ...broker, principals }
}

const withCertificate = (name: string, by = ours): ClientTlsSource => {
  const { keyPem, certificatePem } = by.issue(name)
  return { ca: ours.pem, key: keyPem, cert: certificatePem }
}
const principalOf = async (broker: Started, tls: ClientTlsSource): Promise<string> => {
  const client = await broker.client({ tls })
  await client.request(metadata, { topics: [{ name: 't' }] })
  client.close()
  return broker.principals.at(-1)!
}

test('records go over an SSL listener in both directions, large ones too', async () => {
  const broker = await start('SSL', {})
  const values = Array.from({ length: 40 }, (_, index) => String(index).repeat(100_000).slice(0, 100_000))
  const client = await broker.client({ tls: { ca: ours.pem } })
  const written = await Promise.all(
    values.map((value) =>
      client.request(produce, {
        acks: 1,
        timeoutMs: 5000,
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, records: batchOf([value]) }] }],
      }),
    ),
  )
  expect(written.map(({ responses }) => responses[0]!.partitions[0]!.errorCode)).toEqual(values.map(() => 0))
  const maxBytes = 50_000_000
  const topics = [{ name: 't', fetchPartitions: [{ partitionIndex: 0, fetchOffset: 0, maxBytes }] }]
  // The way in which followers read.
  const reader = await broker.client({ tls: { ca: ours.pem }, reusesMemory: true })
  for (const one of [client, reader]) {
    const { topics: fetched } = await one.request(fetch, { replicaId: -1, maxWait: 0, minBytes: 1, maxBytes, topics })
    expect(valuesOf(fetched[0]!.partitions[0]!.records)).toEqual(values)
    one.close()
  }
  expect(broker.principals.at(-1)).toBe('User:ANONYMOUS')
})

test('clients see who the broker is', async () => {
  const broker = await start('SSL', {})
  await expect(broker.client({ tls: { ca: theirs.pem } })).rejects.toThrow('unable to verify the first certificate')
  await expect(broker.client({ tls: { ca: ours.pem, servername: 'elsewhere' } })).rejects.toThrow('elsewhere')
  const client = await broker.client({ tls: { ca: ours.pem, servername: 'elsewhere', checksName: false } })
  client.close()
  const other = await broker.client({ tls: ({ host }) => ({ ca: ours.pem, servername: host === '127.0.0.1' ? 'localhost' : 'nobody' }) })
  other.close()
})

describe('certificates of clients', () => {
  const clientAuth = (value: string) => ({ 'listener.name.outside.ssl.client.auth': value })

  test('give the principal, by the mapping rules', async () => {
    const broker = await start('SSL', { ...clientAuth('required'), 'ssl.principal.mapping.rules': 'RULE:^CN=app-([^,]+)$/$1/U,DEFAULT' })
    expect(await principalOf(broker, withCertificate('app-orders'))).toBe('User:ORDERS')
    expect(await principalOf(broker, withCertificate('other'))).toBe('User:CN=other')
  })

  test('that no rule is for do not get in', async () => {
    const broker = await start('SSL', { ...clientAuth('required'), 'ssl.principal.mapping.rules': 'RULE:^CN=app-([^,]+)$/$1/' })
    await expect(broker.client({ tls: withCertificate('other') })).rejects.toThrow()
    await eventually(() => broker.metrics.watched?.authentications()[0]?.failed === 1)
    expect(await principalOf(broker, withCertificate('app-a'))).toBe('User:a')
    expect(broker.metrics.watched?.authentications()).toMatchObject([{ listener: 'OUTSIDE', successful: 1, failed: 1 }])
  })

  test.each(['required', 'requested'])('must be trusted where they are %s', async (value) => {
    const broker = await start('SSL', clientAuth(value))
    await expect(broker.client({ tls: withCertificate('app', theirs) })).rejects.toThrow()
    expect(await principalOf(broker, withCertificate('app'))).toBe('User:CN=app')
  })

  test('are demanded where they are required, and may be left out where they are requested', async () => {
    const strict = await start('SSL', clientAuth('required'))
    await expect(strict.client({ tls: { ca: ours.pem } })).rejects.toThrow()
    const lenient = await start('SSL', clientAuth('requested'))
    expect(await principalOf(lenient, { ca: ours.pem })).toBe('User:ANONYMOUS')
  })

  test('are remembered with the session that a client resumes', async () => {
    const broker = await start('SSL', clientAuth('required'))
    const { keyPem, certificatePem } = ours.issue('again')
    const options = {
      port: broker.port,
      host: '127.0.0.1',
      ca: ours.pem,
      key: keyPem,
      cert: certificatePem,
      maxVersion: 'TLSv1.2' as const,
    }
    const once = (session?: Buffer): Promise<TLSSocket> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ ...options, ...(session ? { session } : {}) }, () => resolve(socket))
        socket.once('error', reject)
      })
    const first = await once()
    const second = await once(first.getSession())
    expect(second.isSessionReused()).toBe(true)
    const client = await KafkaConnection.open({
      host: '127.0.0.1',
      port: broker.port,
      clientId: 'again',
      timeoutMs: 5e3,
      clock: {
        nowMs: () => performance.now(),
        sleep: () => Promise.resolve(),
        schedule: () => ({ cancel: () => {} }),
      },
      dial: () => {
        setImmediate(() => second.emit('connect'))
        return second
      },
    })
    await client.request(metadata, { topics: [{ name: 't' }] })
    expect(broker.principals.at(-1)).toBe('User:CN=again')
    first.destroy()
    client.close()
  })

  test('say nothing on a SASL listener, which asks for them only by its own key', async () => {
    const credential = await credentialOfPassword('SCRAM-SHA-512', 'right')
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'bob', password: 'right' } as const
    const users = { scram: (_mechanism: string, name: string) => (name === 'bob' ? credential : undefined) }
    const own = { 'sasl.enabled.mechanisms': 'SCRAM-SHA-512' }
    const broker = await start('SASL_SSL', { ...own, 'ssl.client.auth': 'required' }, users)
    const client = await broker.client({ tls: { ca: ours.pem }, sasl })
    await client.request(metadata, { topics: [{ name: 't' }] })
    expect(broker.principals.at(-1)).toBe('User:bob')
    client.close()
    const strict = await start('SASL_SSL', { ...own, ...clientAuth('required') }, users)
    await expect(strict.client({ tls: { ca: ours.pem }, sasl })).rejects.toThrow()
    const known = await strict.client({ tls: withCertificate('app'), sasl })
    await known.request(metadata, { topics: [{ name: 't' }] })
    expect(strict.principals.at(-1)).toBe('User:bob')
    known.close()
  })
})

describe('new files', () => {
  const shown = (port: number, ca: string): Promise<X509Certificate> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port, host: '127.0.0.1', ca }, () => {
        resolve(socket.getPeerX509Certificate()!)
        socket.destroy()
      })
      socket.once('error', reject)
    })
  const reload = { 'sofakafka.ssl.reload.interval.ms': '100' }

  test('are for new connections, while the open ones go on', async () => {
    const broker = await start('SSL', reload)
    const client = await broker.client({ tls: { ca: ours.pem } })
    const next = ours.issue('next')
    files.write('server.pem', keyStore(next))
    await eventually(async () => (await shown(broker.port, ours.pem)).subject === 'CN=next')
    await client.request(metadata, { topics: [] })
    client.close()
    const [figures] = broker.metrics.watched!.tls()
    expect(figures).toMatchObject({ listener: 'OUTSIDE', reloads: 1, isStale: false })
    expect(figures!.notAfterMs).toBe(new X509Certificate(next.certificatePem).validToDate.getTime())
  })

  test('that cannot be used are told of, and what was read before goes on', async () => {
    const broker = await start('SSL', reload)
    files.write('server.pem', ours.issue('a').keyPem + ours.issue('b').certificatePem)
    await eventually(() => broker.metrics.watched!.tls()[0]!.isStale)
    expect((await shown(broker.port, ours.pem)).subject).toBe('CN=broker')
    files.write('server.pem', keyStore(ours.issue('mended')))
    await eventually(() => !broker.metrics.watched!.tls()[0]!.isStale)
    expect((await shown(broker.port, ours.pem)).subject).toBe('CN=mended')
  })

  test('may be those of a Secret of the type kubernetes.io/tls, key and certificate apart', async () => {
    const first = ours.issue('first')
    files.write('secret/tls.key', first.keyPem)
    files.write('secret/tls.crt', first.certificatePem)
    files.write('secret/ca.crt', ours.pem)
    const broker = await start('SSL', {
      ...reload,
      'listener.name.outside.ssl.keystore.location': join(files.path, 'secret'),
      'listener.name.outside.ssl.truststore.location': join(files.path, 'secret'),
      'listener.name.outside.ssl.client.auth': 'required',
    })
    expect(await principalOf(broker, withCertificate('app'))).toBe('User:CN=app')
    files.write('secret/ca.crt', ours.pem + theirs.pem)
    await eventually(async () => (await principalOf(broker, withCertificate('app', theirs)).catch(() => '')) === 'User:CN=app')
  })
})

test('a client that speaks no TLS is closed, and so is one that says nothing when the broker stops', async () => {
  const broker = await start('SSL', { 'max.connections': '2' })
  const closed = (socket: ReturnType<typeof connect>): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()))
  const plain = connect(broker.port, '127.0.0.1').on('error', () => {})
  plain.resume().write('GET / HTTP/1.1\r\n\r\n')
  await closed(plain)
  const silent = [0, 1].map(() =>
    connect(broker.port, '127.0.0.1')
      .on('error', () => {})
      .resume(),
  )
  await Promise.all(silent.map((socket) => new Promise<void>((resolve) => socket.once('connect', () => resolve()))))
  const third = connect(broker.port, '127.0.0.1')
    .on('error', () => {})
    .resume()
  await closed(third)
  expect(silent.map((socket) => socket.closed)).toEqual([false, false])
  open.length = 0
  const ended = Promise.all(silent.map(closed))
  await broker.end()
  await ended
})
