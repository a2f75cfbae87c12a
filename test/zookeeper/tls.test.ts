import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { BrokerConfig } from '../../src/broker/config/broker-config.ts'
import { connectZooKeeper } from '../../src/broker/cluster/zookeeper-connection.ts'
import { createCertificate } from '../../src/security/certificates.ts'
import { tlsDial, type TlsMaterial } from '../../src/zookeeper/socket.ts'
import { type ApacheServer, removeDirectory, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'
import { freePort } from '../support/net.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

const nowMs = Date.now()
const ca = createCertificate({ commonName: 'zookeeper-ca', nowMs })
const ours = createCertificate({ commonName: 'broker', nowMs, ca, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
const strangers = createCertificate({ commonName: 'stranger-ca', nowMs })

describe.skipIf(lacks('java', 'maven'))('Apache ZooKeeper at its secureClientPort', () => {
  const directory = temporaryDirectory('zk-tls')
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  let server: ApacheServer
  let port = 0
  beforeAll(async () => {
    port = await freePort()
    const store = file('server.pem', ours.keyPem + ours.certificatePem)
    const trust = file('ca.pem', ca.certificatePem)
    server = await startApacheZooKeeper('zookeeper-3.9', {
      extra: [
        `secureClientPort=${port}`,
        'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
        `ssl.keyStore.location=${store}`,
        `ssl.trustStore.location=${trust}`,
        'ssl.clientAuth=need',
        'authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider',
      ],
    })
  }, 60_000)
  afterAll(async () => {
    await server.stop()
    removeDirectory(server.dataDir)
    removeDirectory(directory)
  })

  const connect = (material: TlsMaterial, connectTimeoutMs = 10_000) =>
    zooKeeperAt(port, { sessionTimeoutMs: 6000, connectTimeoutMs, dial: tlsDial(() => material) })

  test('is reached with a certificate that it trusts, and knows whose it is', async () => {
    const client = await connect({ ca: ca.certificatePem, key: ours.keyPem, cert: ours.certificatePem })
    await client.create('/own', Buffer.from('x'.repeat(200_000)), { acl: [{ perms: 31, scheme: 'x509', id: 'CN=broker' }] })
    expect((await client.get('/own')).data).toHaveLength(200_000)
    await client.close()
  })

  test.each([
    ['without a certificate', { ca: ca.certificatePem }],
    ['where it is not trusted', { ca: strangers.certificatePem, key: ours.keyPem, cert: ours.certificatePem }],
  ])('is not reached %s', async (_case, material) => {
    await expect(connect(material, 700)).rejects.toThrow('no session')
  })

  test('is reached by a broker with Kafka’s keys', async () => {
    const config = BrokerConfig.parse(
      new Map([
        ['zookeeper.connect', `127.0.0.1:${port}/kafka`],
        ['zookeeper.ssl.client.enable', 'true'],
        ['zookeeper.clientCnxnSocket', 'org.apache.zookeeper.ClientCnxnSocketNetty'],
        ['zookeeper.ssl.keystore.location', file('broker.pem', ours.keyPem + ours.certificatePem)],
        ['zookeeper.ssl.truststore.location', join(directory, 'ca.pem')],
        ['zookeeper.ssl.truststore.type', 'PEM'],
      ]),
    )
    const options = { config, clocks: { monotonic: monotonicClock }, disk: nodeDisk, logger: silentLogger }
    const client = await connectZooKeeper(options)
    expect((await client.children('/')).children).toEqual([])
    await client.close()
    const broken = BrokerConfig.parse(
      new Map([
        ['zookeeper.connect', `127.0.0.1:${port}`],
        ['zookeeper.ssl.client.enable', 'true'],
        ['zookeeper.ssl.truststore.location', join(directory, 'absent.pem')],
      ]),
    )
    await expect(connectZooKeeper({ ...options, config: broken })).rejects.toThrow(
      /^zookeeper\.ssl\.truststore\.location=\S+absent\.pem: the file cannot be read/,
    )
  })
})
