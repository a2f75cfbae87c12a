import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCertificate } from '../../src/security/certificates.ts'
import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import type { Acl } from '../../src/zookeeper/types.ts'
import { type ApacheServer, removeDirectory, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'
import { eventually, freePort } from '../support/net.ts'
import { Kubectl, LocalMode } from './substrate.ts'
import { clientOf } from './suite.ts'
import { Traffic } from './traffic.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

type Cluster = {
  metadata: { generation: number }
  status?: { conditions?: { type: string; status: string; reason: string; message: string; observedGeneration?: number }[] }
}
type Pods = { items: { metadata: { name: string; uid: string }; status: { podIP?: string } }[] }

const READERS: Acl = { perms: 1, scheme: 'world', id: 'anyone' }
const ownedBy = (id: string): Acl => ({ perms: 31, scheme: 'sasl', id })

const clusterYaml = (name: string, zookeeper: string, brokers: number) => `apiVersion: sofakafka.io/v1beta1
kind: Cluster
metadata: {name: ${name}}
spec:
  zookeeper: ${zookeeper}
  brokers: [{name: kafka, replicas: ${brokers}, storage: {size: 1Gi}}]
---
apiVersion: sofakafka.io/v1beta1
kind: User
metadata: {name: ${name}-app}
spec: {clusterRef: {name: ${name}}}
---
apiVersion: sofakafka.io/v1beta1
kind: Topic
metadata: {name: ${name}-orders}
spec: {clusterRef: {name: ${name}}, partitions: 3, replicas: ${brokers}, config: {min.insync.replicas: ${Math.max(1, brokers - 1)}}}
`

describe.skipIf(lacks('kubectl', 'java', 'maven'))('logins to ZooKeeper', () => {
  const directory = temporaryDirectory('zookeeper-e2e')
  let local: LocalMode
  let kubectl: Kubectl

  const isReady = (name: string) =>
    eventually(
      async () => {
        const { metadata, status } = await kubectl.json<Cluster>('get', 'skc', name)
        const ready = status?.conditions?.find(({ type }) => type === 'Ready')
        return ready?.status === 'True' && ready.observedGeneration === metadata.generation
      },
      { timeoutMs: 90_000, everyMs: 300, what: `${name} Ready` },
    ).catch(async (error: unknown) => {
      const logs = (await kubectl.run(['logs', `${name}-kafka-0`, '--tail=20'])).stdout
      const pods = `${await kubectl.ok(['get', 'pods', '-o', 'wide'])}\n${logs}`
      throw new Error(`${JSON.stringify((await kubectl.json<Cluster>('get', 'skc', name)).status?.conditions)}\n${pods}`, { cause: error })
    })
  const apply = async (yaml: string) => expect((await kubectl.apply(yaml)).stderr).toBe('')
  const pods = async (group: string) => (await kubectl.json<Pods>('get', 'pods', '-l', `sofakafka.io/group=${group}`)).items
  const stranger = async (name: string): Promise<ZooKeeperClient> => {
    const pod = (await pods('zookeeper')).find(({ metadata }) => metadata.name.startsWith(name))!
    return zooKeeperAt(2181, { host: pod.status.podIP!, sessionTimeoutMs: 6000, connectTimeoutMs: 6000 })
  }

  beforeAll(async () => {
    const file = join(directory, 'nothing.yaml')
    writeFileSync(file, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nothing}\n')
    local = await LocalMode.start({ file })
    kubectl = new Kubectl(local)
  }, 60_000)
  afterAll(async () => {
    await local?.stop()
    removeDirectory(directory)
  }, 60_000)

  test('are asked of a Cluster that runs without, and everything is closed while clients go on', async () => {
    await apply(clusterYaml('open', '{storage: {size: 1Gi}, authentication: {type: None}}', 3))
    await isReady('open')
    await kubectl.ok(['wait', '--for=condition=Ready', 'skt/open-orders', 'sku/open-app', '--timeout=60s'])
    const before = await stranger('open')
    expect((await before.getAcl('/config')).acl).toEqual([{ perms: 31, scheme: 'world', id: 'anyone' }])
    await before.close()
    const traffic = await Traffic.start(clientOf(await kubectl.login('open-app')), 'open-orders')
    await traffic.goesOnEverywhere()
    await kubectl.ok(['patch', 'skc/open', '--type=merge', '-p', '{"spec":{"zookeeper":{"authentication":{"type":"DigestMD5"}}}}'])
    await eventually(async () => (await kubectl.ok(['get', 'events.events.k8s.io', '-o', 'json'])).includes('znodes are for the brokers'), {
      timeoutMs: 300_000,
      everyMs: 1000,
      what: 'znodes are closed',
    })
    await isReady('open')
    await traffic.goesOnEverywhere()
    await traffic.stop()
    await eventually(() => traffic.missing().length === 0, { timeoutMs: 30_000, what: 'every acknowledged record is consumed' })
    await traffic.close()
    const after = await stranger('open')
    for (const path of ['/config', '/brokers/topics/open-orders', '/controller', '/brokers/ids/0', '/cluster/id']) {
      expect((await after.getAcl(path)).acl, path).toEqual([ownedBy('sofakafka-broker'), READERS])
      await expect(after.set(path, Buffer.from('x'), -1), path).rejects.toThrow('NO_AUTH')
    }
    await expect(after.get('/config/users/sofakafka-operator')).rejects.toThrow('NO_AUTH')
    await expect(after.children('/sofakafka/operator')).rejects.toThrow('NO_AUTH')
    await after.close()
  }, 500_000)

  test('are made at an external one by TLS, and what brokers write belongs to them', async () => {
    const ca = createCertificate({ commonName: 'zk-ca', nowMs: Date.now() })
    const own = createCertificate({ commonName: 'zk', nowMs: Date.now(), ca, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
    writeFileSync(join(directory, 'zk.pem'), own.keyPem + own.certificatePem)
    const client = createCertificate({ commonName: 'kafka', nowMs: Date.now(), ca })
    writeFileSync(join(directory, 'ca.crt'), ca.certificatePem)
    // The server tells the kind of a store by the end of its name.
    writeFileSync(join(directory, 'ca.pem'), ca.certificatePem)
    writeFileSync(join(directory, 'tls.crt'), client.certificatePem)
    writeFileSync(join(directory, 'tls.key'), client.keyPem)
    writeFileSync(
      join(directory, 'jaas.conf'),
      'Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n  user_kafka="so secret";\n};\n',
    )
    const port = await freePort()
    const server: ApacheServer = await startApacheZooKeeper('zookeeper-3.9', {
      jvm: [`-Djava.security.auth.login.config=${join(directory, 'jaas.conf')}`, '-Dzookeeper.fips-mode=false'],
      extra: [
        `secureClientPort=${port}`,
        'secureClientPortAddress=127.0.0.1',
        'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
        'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
        `ssl.keyStore.location=${join(directory, 'zk.pem')}`,
        `ssl.trustStore.location=${join(directory, 'ca.pem')}`,
        'ssl.clientAuth=need',
        'authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider',
      ],
    })
    try {
      const external = `{connect: "127.0.0.1:${port}/k", authentication: {secretRef: {name: zk-login}}, setAcl: true, tls: {secretRef: {name: zk-tls}}}`
      await apply(clusterYaml('outside', `{external: ${external}}`, 1))
      await eventually(
        async () => (await kubectl.ok(['get', 'skc', 'outside', '-o', 'json'])).includes('the Secret zk-login must be there'),
        { timeoutMs: 20_000, everyMs: 300, what: 'it says which Secret is missing' },
      )
      await kubectl.ok(['create', 'secret', 'generic', 'zk-login', '--from-literal=username=kafka', '--from-literal=password=so secret'])
      await kubectl.ok([
        'create',
        'secret',
        'generic',
        'zk-tls',
        ...['ca.crt', 'tls.crt', 'tls.key'].map((file) => `--from-file=${join(directory, file)}`),
      ])
      await isReady('outside')
      await kubectl.ok(['wait', '--for=condition=Ready', 'skt/outside-orders', 'sku/outside-app', '--timeout=60s'])
      const stranger = await zooKeeperAt(server.port, { sessionTimeoutMs: 6000, connectTimeoutMs: 6000 })
      const { acl } = await stranger.getAcl('/k/brokers/topics/outside-orders')
      const certificate = { perms: 31, scheme: 'x509', id: 'CN=kafka' }
      expect(acl.toSorted((a, b) => (a.scheme < b.scheme ? -1 : 1))).toEqual([ownedBy('kafka'), READERS, certificate])
      await expect(stranger.set('/k/brokers/topics/outside-orders', Buffer.from('x'), -1)).rejects.toThrow('NO_AUTH')
      await stranger.close()
      const events = await kubectl.ok(['get', 'skc,events.events.k8s.io', '-o', 'json'])
      expect(events).not.toContain('so secret')
    } finally {
      await server.kill()
      removeDirectory(server.dataDir)
    }
  }, 200_000)
})
