import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkServerIdentity as tlsCheck, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { ApacheTools } from '../support/tools.ts'
import { Balanced } from './balanced.ts'

const LINES = Array.from({ length: 1000 }, (_unused, index) => `record-${index}`)

describe.skipIf(lacks('kubectl', 'kcat', 'java', 'maven'))('listeners with TLS, over time', () => {
  const place = new Balanced()
  let tools: ApacheTools
  beforeAll(async () => {
    tools = new ApacheTools()
    await place.start()
    await place.balance()
  }, 120_000)
  afterAll(async () => {
    tools?.stop()
    await place.stop()
  }, 60_000)

  test("Apache's tools of 2.6 log in with the PKCS #12 files", async () => {
    const { at, text } = await place.unpack('by-certificate')
    const properties = [
      'security.protocol=SSL',
      'ssl.keystore.type=PKCS12',
      `ssl.keystore.location=${at('user.p12')}`,
      `ssl.keystore.password=${text('user.password')}`,
      'ssl.truststore.type=PKCS12',
      `ssl.truststore.location=${at('ca.p12')}`,
      `ssl.truststore.password=${text('ca.password')}`,
    ]
    const config = join(place.files, 'java.properties')
    writeFileSync(config, properties.join('\n'))
    const common = ['--bootstrap-server', text('bootstrap.servers'), '--topic', 'orders']
    await tools.ok('kafka.tools.ConsoleProducer', [...common, '--producer.config', config], `${LINES.join('\n')}\n`)
    const consumer = [
      '--group',
      'orders',
      '--from-beginning',
      '--max-messages',
      '1000',
      '--timeout-ms',
      '30000',
      '--consumer.config',
      config,
    ]
    const output = await tools.ok('kafka.tools.ConsoleConsumer', [...common, ...consumer])
    expect(new Set(output.split('\n').filter((line) => line.startsWith('record-'))).size).toBe(1000)
  }, 60_000)

  test('a new certificate is shown to new connections; old ones go on, no broker restarts, and what was trusted before is enough', async () => {
    const { text } = await place.unpack('by-certificate')
    const [host = '', port = ''] = text('bootstrap.servers').split(':')
    const open = () =>
      new Promise<TLSSocket>((resolve, reject) => {
        const options = { host, port: Number(port), ca: text('ca.crt'), cert: text('user.crt'), key: text('user.key') }
        const socket = connectTls(options, () => resolve(socket)).once('error', reject)
      })
    const shown = async (): Promise<string> => {
      const socket = await open()
      const { fingerprint256 } = new X509Certificate(socket.getPeerX509Certificate()!.raw)
      socket.destroy()
      return fingerprint256
    }
    const uids = async () => (await place.kubectl.ok(['get', 'pods', '-o', 'jsonpath={.items[*].metadata.uid}'])).split(' ').sort()
    const [old, before, pods] = [await open(), await shown(), await uids()]
    // The operator makes what is missing: as if it were about to end.
    const patch = JSON.stringify({ data: { 'mtls.pem': null } })
    await place.kubectl.ok(['patch', 'secret', 'ant-kafka-certificates', '--type=merge', '-p', patch])
    const after = await eventually(async () => ((await shown()) === before ? undefined : shown()), { timeoutMs: 180_000, everyMs: 1000 })
    expect(after).not.toBe(before)
    expect(old.destroyed).toBe(false)
    expect(await uids()).toEqual(pods)
    old.destroy()
    const { code } = await place.kcat('by-certificate', ['-P', '-t', 'orders', '-X', 'acks=all'], 'one more')
    expect(code).toBe(0)
  }, 240_000)

  test('a listener inside that is added to a running cluster is known by the names and addresses of the pods', async () => {
    const { text } = await place.unpack('by-certificate')
    const add = JSON.stringify([{ op: 'add', path: '/spec/listeners/-', value: { name: 'inside', port: 9096, tls: { enabled: true } } }])
    await place.kubectl.ok(['patch', 'skc/ant', '--type=json', '-p', add])
    await place.becomes('skc/ant', 'RollingUpdate')
    await place.becomes('skc/ant', 'Ready')
    const names = ['ant-kafka-0', 'ant-kafka-1'].map((pod) => `${pod}.ant-kafka-brokers.default.svc`)
    for (const [index, name] of names.entries()) {
      const host = await place.kubectl.ok(['get', 'pod', `ant-kafka-${index}`, '-o', 'jsonpath={.status.podIP}'])
      const answer = (called: string) =>
        new Promise<string>((resolve) => {
          const checkServerIdentity = (_host: string, certificate: PeerCertificate) => tlsCheck(called, certificate)
          const socket = connectTls({ host, port: 9096, ca: text('ca.crt'), checkServerIdentity }, () => resolve('trusted'))
          socket.once('error', ({ message }) => resolve(message)).once('secureConnect', () => socket.destroy())
        })
      expect(await answer(name)).toBe('trusted')
      expect(await answer('elsewhere.example')).toContain('does not match')
      // The address was not known when the pod started; its files follow.
      await eventually(async () => (await answer(host)) === 'trusted', { timeoutMs: 60_000, everyMs: 1000, what: `${host} certified` })
    }
  }, 240_000)
})
