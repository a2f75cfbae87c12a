import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters, type Cluster } from '../../../src/api/index.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { externalAddresses } from '../../../src/operator/cluster/listeners/addresses.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import type { Inputs } from '../../../src/operator/cluster/inputs.ts'
import { addressesConfig, brokerServices } from '../../../src/operator/cluster/listeners/services.ts'
import { advertisedListeners, listenerParts, listenersRestartOn } from '../../../src/operator/cluster/listeners/listeners.ts'
import { clusterStatus } from '../../../src/operator/cluster/status.ts'
import { createCertificate } from '../../../src/security/certificates.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { makeNamespace } from '../support/lab.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const TLS = { tls: { enabled: true } }
const withListeners = (...listeners: Record<string, unknown>[]): Cluster => cluster('ant', 'ns', { listeners })
const external = (type: string, more: Record<string, unknown> = {}) => ({ name: 'external', port: 9094, type, ...TLS, ...more })
const serviceWith = (name: string, more: Partial<resources.Service>): resources.Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ port: 9094 }] },
  ...more,
})
const balanced = (name: string, ingress: { ip?: string; hostname?: string }) =>
  serviceWith(name, { status: { loadBalancer: { ingress: [ingress] } } })
const INPUTS: Inputs = { image: 'i', advertise: 'pod-dns' }

test('all Services of a listener have what it says of them, and no broker restarts for it', () => {
  const service = {
    loadBalancerClass: 'example.com/internal',
    loadBalancerSourceRanges: ['10.0.0.0/8'],
    externalTrafficPolicy: 'Local',
    ipFamilyPolicy: 'PreferDualStack',
    allocateLoadBalancerNodePorts: false,
  }
  const specsOf = (object: Cluster) =>
    desired(object, INPUTS)
      .filter(({ kind, metadata }) => kind === 'Service' && metadata.name.startsWith('ant-external-'))
      .map((one) => (one as resources.Service).spec)
  const object = withListeners(external('LoadBalancer', { service }))
  object.spec.zookeeper.replicas = 1
  expect(specsOf(object)).toHaveLength(4)
  for (const spec of specsOf(object)) expect(spec).toMatchObject(service)
  expect(listenersRestartOn(object, INPUTS)).toEqual(listenersRestartOn(withListeners(external('LoadBalancer')), INPUTS))
})

describe('what clients outside are told', () => {
  test('of load balancers: what the Services were given, unless the user says otherwise', () => {
    const object = withListeners(
      external('LoadBalancer', { bootstrap: { host: 'kafka.example' }, brokers: [{ id: 1, host: 'b1.example', port: 443 }] }),
    )
    const services = [
      balanced('ant-external-0', { hostname: 'lb0.example', ip: '192.0.2.1' }),
      balanced('ant-external-2', { ip: '2001:db8::2' }),
    ]
    const found = externalAddresses({ cluster: object, services, pods: [] }, INPUTS)
    expect(found.addresses.get('external')).toEqual([
      { id: 0, host: 'lb0.example', port: 9094 },
      { id: 1, host: 'b1.example', port: 443 },
      { id: 2, host: '2001:db8::2', port: 9094 },
    ])
    expect(found.bootstrap.get('external')).toBe('kafka.example:9094')
    expect(found.missing).toEqual([])
    const [config] = addressesConfig(object, { ...INPUTS, listeners: { ...found, authorities: new Map(), waitsFor: [] } })
    expect(config?.data?.['addresses.properties']).toContain('external.2.host=[2001:db8::2]')
  })

  test('of a load balancer without an address: that it is waited for; one that had an address keeps it', () => {
    const object = withListeners(external('LoadBalancer'))
    const found = externalAddresses({ cluster: object, services: [], pods: [] }, INPUTS)
    expect(found.addresses.get('external')).toEqual([])
    expect(found.missing[0]).toBe('an address for the load balancer of the Service ant-external-0')
    const brokers = [0, 1, 2].map((id) => ({ id, host: `192.0.2.${id}`, port: 9094 }))
    object.status = { listeners: [{ name: 'external', type: 'LoadBalancer', bootstrapServers: '192.0.2.9:9094', brokers }] }
    const later = externalAddresses({ cluster: object, services: [serviceWith('ant-external-0', {})], pods: [] }, INPUTS)
    expect(later.addresses.get('external')).toEqual(brokers)
    expect(later.bootstrap.get('external')).toBe('192.0.2.9:9094')
  })

  test('of node ports: the node on which the broker runs, and the port that Kubernetes chose', () => {
    const object = withListeners(external('NodePort'))
    const names = ['ant-external-0', 'ant-external-1', 'ant-external-2', 'ant-external-bootstrap']
    const services = names.map((name, index) => serviceWith(name, { spec: { ports: [{ port: 9094, nodePort: 31_000 + index }] } }))
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'ant-kafka-0' },
      spec: { containers: [] },
      status: { hostIP: '203.0.113.5' },
    }
    const found = externalAddresses({ cluster: object, services, pods: [pod] }, INPUTS)
    expect(found.addresses.get('external')?.[1]).toEqual({ id: 1, host: undefined, port: 31_001 })
    expect(found.bootstrap.get('external')).toBe('203.0.113.5:31003')
    expect(advertisedListeners(object, INPUTS)).toContain(
      'EXTERNAL://$(HOST_IP):${file:/etc/sofakafka/addresses/addresses.properties:external.$(BROKER_ID).port}',
    )
    expect(listenerParts(object, INPUTS).env.map(({ name }) => name)).toEqual(['HOST_IP'])
    const labels = { 'sofakafka.io/group': 'zookeeper' }
    const elsewhere = { ...pod, metadata: { name: 'ant-zookeeper-0', labels }, status: { hostIP: '203.0.113.9' } }
    const status = clusterStatus(
      {
        cluster: object,
        pods: [pod, elsewhere],
        outdated: 0,
        inputs: { ...INPUTS, listeners: { ...found, authorities: new Map(), waitsFor: [] } },
        clusterId: 'x',
        trouble: undefined,
        warnings: [],
      },
      0,
    )
    expect(status.listeners?.[0]).toMatchObject({
      type: 'NodePort',
      brokers: [{ id: 0, host: '203.0.113.5', port: 31_000 }, { id: 1 }, { id: 2 }],
    })
  })

  test('of node ports where some brokers have a host and others none: which one is missing', () => {
    const object = withListeners(external('NodePort', { brokers: [{ id: 0, host: 'a.example', port: 1 }] }))
    expect(externalAddresses({ cluster: object, services: [], pods: [] }, INPUTS).missing[0]).toContain('brokers[].host of broker 1')
  })
})

test('a Service per broker picks that pod alone, with the annotations and the node port that the user gave', () => {
  const object = withListeners(external('NodePort', { brokers: [{ id: 2, nodePort: 30_002, annotations: { a: 'b' } }] }))
  const service = brokerServices(object, { ...INPUTS, staying: new Map([['kafka', 1]]) })
  expect(service.map(({ metadata }) => metadata.name)).toEqual([0, 1, 2, 3].map((id) => `ant-external-${id}`))
  expect(service[2]).toMatchObject({
    metadata: { annotations: { a: 'b' } },
    spec: {
      type: 'NodePort',
      selector: { 'statefulset.kubernetes.io/pod-name': 'ant-kafka-2' },
      ports: [{ port: 9094, nodePort: 30_002 }],
    },
  })
})

describe('server.properties', () => {
  const propertiesOf = (object: Cluster): string[] => {
    const config = desired(object, INPUTS).find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'ant-kafka',
    ) as resources.ConfigMap
    return config.data!['server.properties']!.split('\n')
  }

  test('has a key store per listener with TLS, and asks for certificates where clients log in with them', () => {
    const lines = propertiesOf(
      withListeners(
        { name: 'internal', port: 9092 },
        { name: 'tls', port: 9093, ...TLS },
        { name: 'mtls', port: 9094, ...TLS, authentication: { type: 'TLS' } },
      ),
    )
    expect(lines).toContain('listener.security.protocol.map=REPLICATION:SASL_PLAINTEXT,INTERNAL:SASL_PLAINTEXT,TLS:SASL_SSL,MTLS:SSL')
    expect(lines).toContain('listener.name.tls.ssl.keystore.location=/etc/sofakafka/certificates/tls.pem')
    expect(lines.filter((line) => line.startsWith('listener.name.mtls.'))).toEqual([
      'listener.name.mtls.ssl.client.auth=required',
      'listener.name.mtls.ssl.keystore.location=/etc/sofakafka/certificates/mtls.pem',
      'listener.name.mtls.ssl.keystore.type=PEM',
      'listener.name.mtls.ssl.principal.mapping.rules=RULE:^CN=([^,]+)$/$1/,DEFAULT',
      'listener.name.mtls.ssl.truststore.location=/etc/sofakafka/certificates/clients-ca.crt',
      'listener.name.mtls.ssl.truststore.type=PEM',
    ])
  })

  test('has certificates among brokers where the Cluster was made with them', () => {
    const object = cluster('ant', 'ns', { interBroker: { tls: { enabled: true } } })
    const lines = propertiesOf(object)
    expect(lines).toContain('listener.security.protocol.map=REPLICATION:SASL_SSL,INTERNAL:SASL_PLAINTEXT')
    expect(lines.filter((line) => line.startsWith('listener.name.replication.ssl'))).toEqual([
      'listener.name.replication.ssl.endpoint.identification.algorithm=',
      'listener.name.replication.ssl.keystore.location=/etc/sofakafka/certificates/replication.pem',
      'listener.name.replication.ssl.keystore.type=PEM',
      'listener.name.replication.ssl.truststore.location=/etc/sofakafka/certificates/cluster-ca.crt',
      'listener.name.replication.ssl.truststore.type=PEM',
    ])
    expect(listenerParts(object, INPUTS).volumes).toEqual([
      { name: 'certificates', secret: { secretName: 'ant-kafka-certificates', defaultMode: 0o440 } },
    ])
    expect(listenerParts(cluster('ant', 'ns'), INPUTS).volumes).toEqual([])
  })

  test('a Secret of the user instead of the own certificate, other hosts and other annotations restart nothing', () => {
    const restartOn = (more: Record<string, unknown>) =>
      JSON.stringify(listenersRestartOn(withListeners(external('LoadBalancer', more)), INPUTS))
    const same = {
      tls: { enabled: true, secretRef: { name: 'x' } },
      bootstrap: { host: 'h' },
      brokers: [{ id: 0, host: 'h', annotations: {} }],
    }
    expect(restartOn(same)).toBe(restartOn({}))
    expect(restartOn({ tls: { enabled: false } })).not.toBe(restartOn({}))
    // Written down: whoever changes it restarts the brokers of everybody.
    expect(JSON.stringify(listenersRestartOn(cluster('ant', 'ns'), INPUTS))).toBe(
      '{"listeners":[{"name":"internal","port":9092,"mechanisms":["SCRAM-SHA-512"]}],"advertise":"pod-dns"}',
    )
  })
})

describe('the operator', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startEmbeddedLab), 60_000)
  afterAll(() => place.stop())

  const set = (namespace: string) => place.kube.get(resources.statefulSets, { namespace, name: 'ant-kafka' })
  const servicesIn = async (namespace: string) =>
    (await place.kube.list(resources.services, { namespace })).items.map(({ metadata }) => metadata.name)
  const giveAddress = (namespace: string, name: string, ip: string) =>
    place.kube.patch(
      resources.services,
      { namespace, name },
      'merge',
      { status: { loadBalancer: { ingress: [{ ip }] } } },
      { subresource: 'status' },
    )
  const secretText = async (namespace: string, name: string, key: string) =>
    Buffer.from((await place.kube.get(resources.secrets, { namespace, name }))?.data?.[key] ?? '', 'base64').toString()
  const one = { brokers: [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }] }

  test('starts no broker before its load balancer has an address, then tells it and certifies it, and takes the Services away with the listener', async () => {
    const namespace = await makeNamespace(place.kube)
    const object = cluster('ant', namespace, { ...one, listeners: [{ name: 'internal', port: 9092 }, external('LoadBalancer')] })
    await place.put(object)
    const waiting = await place.becomes(object, 'AddressPending')
    expect(waiting.status?.conditions?.[0]?.message).toContain('the Service ant-external-0')
    expect(await set(namespace)).toBeUndefined()
    await giveAddress(namespace, 'ant-external-0', '192.0.2.10')
    await giveAddress(namespace, 'ant-external-bootstrap', 'fd00::1')
    await eventually(() => set(namespace), { what: 'the StatefulSet' })
    const { data } = (await place.kube.get(resources.configMaps, { namespace, name: 'ant-kafka-addresses' }))!
    expect(data?.['addresses.properties']).toContain('external.0.host=192.0.2.10')
    const ready = await eventually(async () => {
      const { status } = await place.read(object)
      return status?.listeners?.find(({ name }) => name === 'external')?.bootstrapServers ? status : undefined
    })
    expect(ready.listeners?.[1]).toMatchObject({
      name: 'external',
      type: 'LoadBalancer',
      bootstrapServers: '[fd00::1]:9094',
      brokers: [{ id: 0, host: '192.0.2.10', port: 9094 }],
    })
    const certificate = await eventually(async () => {
      const found = new X509Certificate(await secretText(namespace, 'ant-kafka-certificates', 'external.pem'))
      return found.checkIP('fd00::1') ? found : undefined
    })
    expect(certificate.checkIP('192.0.2.10')).toBeDefined()
    expect(certificate.checkHost(`ant-kafka-0.ant-kafka-brokers.${namespace}.svc`)).toBeDefined()
    expect(certificate.verify(new X509Certificate(ready.listeners![1]!.certificates![0]!).publicKey)).toBe(true)

    await place.put({ ...object, spec: { ...object.spec, listeners: [{ name: 'internal', port: 9092 }] } } as Cluster)
    await eventually(async () => !(await servicesIn(namespace)).some((name) => name.startsWith('ant-external')), { what: 'no Service' })
    expect(await servicesIn(namespace)).toContain('ant-internal-bootstrap')
  })

  test('leaves running brokers as they are while a new listener waits, and restarts those that tell clients something else', async () => {
    const namespace = await makeNamespace(place.kube)
    const object = cluster('ant', namespace, one)
    await place.put(object)
    const before = (await eventually(() => set(namespace)))!
    await place.put({
      ...object,
      spec: { ...object.spec, listeners: [{ name: 'internal', port: 9092 }, external('LoadBalancer')] },
    } as Cluster)
    await place.becomes(object, 'AddressPending')
    expect((await set(namespace))!.spec.template).toEqual(before.spec.template)
    await giveAddress(namespace, 'ant-external-0', '192.0.2.11')
    await giveAddress(namespace, 'ant-external-bootstrap', '192.0.2.12')
    const after = await eventually(async () => {
      const now = (await set(namespace))!
      return JSON.stringify(now.spec.template) === JSON.stringify(before.spec.template) ? undefined : now
    })
    expect(after.spec.template.spec.volumes?.map(({ name }) => name)).toEqual(expect.arrayContaining(['certificates', 'addresses']))
  })

  test("takes a certificate out of a user's Secret, keeps it when the Secret turns bad, and says so", async () => {
    const namespace = await makeNamespace(place.kube)
    const listeners = [{ name: 'tls', port: 9092, tls: { enabled: true, secretRef: { name: 'mine' } } }]
    const object = cluster('ant', namespace, { ...one, listeners })
    await place.put(object)
    const missing = await place.becomes(object, 'CertificateInvalid')
    expect(missing.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(
      'the Secret mine of the listener tls is not there',
    )
    expect(await set(namespace)).toBeUndefined()
    const ca = createCertificate({ commonName: 'somebody', nowMs: Date.now() })
    const leaf = createCertificate({ commonName: 'x', dnsNames: ['ant-tls-bootstrap'], nowMs: Date.now(), ca })
    const secret = (data: Record<string, string>) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'mine', namespace },
      stringData: data,
    })
    await place.kube.create(
      resources.secrets,
      secret({ 'tls.crt': leaf.certificatePem, 'tls.key': leaf.keyPem, 'ca.crt': ca.certificatePem }),
    )
    await eventually(() => set(namespace), { what: 'the StatefulSet' })
    const served = await eventually(async () => {
      const { status } = await place.read(object)
      return status?.listeners?.[0]?.certificates ? status : undefined
    })
    expect(served.listeners?.[0]?.certificates).toEqual([ca.certificatePem])
    expect(served.conditions?.find(({ type }) => type === 'Degraded')?.message).toContain('without ant-tls-bootstrap.')
    const keystore = await secretText(namespace, 'ant-kafka-certificates', 'tls.pem')
    expect(keystore).toBe(leaf.keyPem + leaf.certificatePem)

    const other = createCertificate({ commonName: 'y', nowMs: Date.now(), ca })
    await place.kube.patch(resources.secrets, { namespace, name: 'mine' }, 'merge', { stringData: { 'tls.key': other.keyPem } })
    const bad = await place.becomes(object, 'CertificateInvalid')
    expect(bad.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('is not the key of the first certificate')
    expect(await secretText(namespace, 'ant-kafka-certificates', 'tls.pem')).toBe(keystore)
    const metrics = await (await fetch(`http://127.0.0.1:${place.operator.httpPort}/metrics`)).text()
    expect(metrics).toMatch(
      new RegExp(
        `sofakafka_certificate_expiration_timestamp_seconds\\{namespace="${namespace}",cluster="ant",type="listener",listener="tls"\\} \\d+`,
      ),
    )
    await place.kube.patch(resources.secrets, { namespace, name: 'mine' }, 'merge', {
      stringData: { 'tls.crt': other.certificatePem, 'tls.key': other.keyPem },
    })
    await eventually(async () => (await secretText(namespace, 'ant-kafka-certificates', 'tls.pem')) === other.keyPem + other.certificatePem)
    await place.kube.delete(clusters, keyOf(object))
    const scrape = async () => (await fetch(`http://127.0.0.1:${place.operator.httpPort}/metrics`)).text()
    await eventually(async () => !(await scrape()).includes(`namespace="${namespace}"`), {
      what: 'no end of a certificate of a Cluster that is gone',
    })
  })
})
