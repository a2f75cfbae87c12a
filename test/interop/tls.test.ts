import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Admin } from '../../src/client/admin.ts'
import { BrokerConfigAdmin } from '../../src/client/broker-config-admin.ts'
import { PartitionAdmin } from '../../src/client/partition-admin.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { kcat } from './clients/kcat.ts'
import { BOB, type TlsBroker, TlsLab } from './tls-lab.ts'

describe.skipIf(lacks('kcat'))('two brokers that speak nothing but TLS', () => {
  let lab: TlsLab
  let brokers: TlsBroker[]
  beforeAll(async () => {
    lab = await TlsLab.start()
    brokers = await Promise.all([1, 2].map((id) => lab.startOurs(id)))
  }, 60_000)
  afterAll(() => lab.stop())

  const settings = (pairs: Record<string, string>): string[] => Object.entries(pairs).flatMap(([name, value]) => ['-X', `${name}=${value}`])
  const withCertificate = (name: string): string[] => {
    const { pem, ca } = lab.store(name)
    return settings({ 'security.protocol': 'ssl', 'ssl.ca.location': ca, 'ssl.certificate.location': pem, 'ssl.key.location': pem })
  }
  const withPassword = (password: string): string[] => {
    const { ca } = lab.store('unused')
    const login = { 'sasl.mechanism': 'PLAIN', 'sasl.username': BOB.username, 'sasl.password': password }
    return settings({ 'security.protocol': 'sasl_ssl', 'ssl.ca.location': ca, ...login })
  }

  test('replicate, and serve librdkafka with a certificate and with a password', { timeout: 60_000 }, async () => {
    const client = lab.client()
    await eventually(async () => (await client.brokers()).brokers.length === 2)
    const topic = { name: 'replicated', partitions: 2, replicationFactor: 2, config: { 'min.insync.replicas': '2' } }
    expect([...(await new Admin(client).createTopics([topic])).values()]).toEqual([undefined])
    await eventually(async () => {
      const replicas = await new PartitionAdmin(client).replicas(['replicated'])
      return replicas.length === 2 && replicas.every(({ isr }) => isr.length === 2)
    })
    const lines = Array.from({ length: 500 }, (_, n) => `line ${n}`)
    const written = await kcat(
      ['-P', '-b', brokers[0]!.cert, ...withCertificate('orders'), '-t', 'replicated', '-X', 'acks=all', '-X', 'message.timeout.ms=10000'],
      `${lines.join('\n')}\n`,
    )
    expect(written).toMatchObject({ code: 0 })
    const read = await kcat([
      '-C',
      '-b',
      brokers[1]!.pass,
      ...withPassword(BOB.password),
      '-q',
      '-t',
      'replicated',
      '-o',
      'beginning',
      '-c',
      '500',
    ])
    expect(read.output.trimEnd().split('\n').sort()).toEqual([...lines].sort())
  })

  test('take another certificate by a change at run time, as Apache’s brokers do', { timeout: 60_000 }, async () => {
    const client = lab.client()
    const admin = new BrokerConfigAdmin(client)
    const key = 'listener.name.pass.ssl.keystore.location'
    const shown = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const [host = '', port = ''] = brokers[0]!.pass.split(':')
        const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
          resolve(socket.getPeerX509Certificate()!.subject)
          socket.destroy()
        })
        socket.once('error', reject)
      })
    const change = (name: string, value: string | null) => admin.alterOwn(1, [{ key: name, value }])
    await change(key, lab.store('another').pem)
    expect(await shown()).toBe('CN=another')
    expect(await admin.own(1, [key])).toEqual(new Map([[key, lab.store('another').pem]]))
    await expect(change(key, '/nowhere.pem')).rejects.toThrow('/nowhere.pem: the file cannot be read')
    await expect(change('ssl.keystore.location', '/nowhere.pem')).rejects.toThrow('only per-listener using the listener prefix')
    await expect(change('listener.name.pass.ssl.client.auth', 'maybe')).rejects.toThrow('must be one of required, requested, none')
    await expect(change('listener.name.pass.connections.max.reauth.ms', '1')).rejects.toThrow('Cannot update these configs dynamically')
    await change(key, null)
    expect(await shown()).toBe('CN=broker-1')
  })

  test('say who may not in', { timeout: 60_000 }, async () => {
    const { ca } = lab.store('unused')
    const [wrong, without, stranger] = await Promise.all([
      kcat(['-L', '-b', brokers[0]!.pass, ...withPassword('wrong'), '-m', '2']),
      kcat(['-L', '-b', brokers[0]!.cert, ...settings({ 'security.protocol': 'ssl', 'ssl.ca.location': ca }), '-m', '2']),
      kcat(['-C', '-b', brokers[0]!.cert, ...withCertificate('stranger'), '-t', 'replicated', '-e', '-m', '2']),
    ])
    expect(wrong.errors).toContain('Invalid username or password')
    expect(without.code).not.toBe(0)
    expect(stranger.errors).toMatch(/authorization failed|Authorization failed/i)
    const metrics = await brokers[0]!.metrics()
    expect(metrics).toMatch(/kafka_server_socket_server_metrics_failed_authentication_total\{listener="CERT"\} [1-9]/)
    expect(metrics).toMatch(/sofakafka_tls_certificate_not_after_seconds\{listener="PASS"\} \d{10}/)
  })
})
