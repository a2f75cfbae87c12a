import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { acls, clusters, topics, users, type Cluster } from '../../../src/api/index.ts'
import { monotonicClock } from '../../../src/base/clock.ts'
import { parseProperties } from '../../../src/base/properties.ts'
import { KubeClient } from '../../../src/kube/client.ts'
import { conditionOf } from '../../../src/kube/conditions.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf, type KubeObject, type Resource } from '../../../src/kube/types.ts'
import { serverProperties } from '../../../src/operator/cluster/config/properties.ts'
import { homeOf } from '../../../src/operator/entrance.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { verifyPassword } from '../../../src/security/scram.ts'
import { lacks } from '../../support/needs.ts'
import { lacksKubeLab } from '../../support/control-plane.ts'
import { eventually } from '../../support/net.ts'
import { makeNamespace } from '../support/lab.ts'
import { listenersOnRealServer } from './listener-suite.ts'
import { acl, cluster, topic, user } from '../support/objects.ts'
import { OperatorLab, resourceOf, type Kind } from '../support/operator-lab.ts'
import { replicasOnRealServer } from '../topic/replica-suite.ts'
import { volumesOnRealServer } from './volume-suite.ts'
import { badInputs, wronglyAnswered } from '../bad-input.ts'
import { RULES } from '../support/rules.ts'

describe.skipIf(lacksKubeLab())('on a real API server', () => {
  const place = new OperatorLab()
  const { contacts, put, read, readyOf, becomes, isGone, playNodes, makeReady, readyCluster } = place
  let kube: KubeClient

  beforeAll(async () => {
    await place.start()
    kube = place.kube
  })
  afterAll(() => place.stop())

  // Kubernetes' garbage collector looks for new kinds every 30 s only: the others come in between.
  const credentialsIn = async (namespace: string) => (await kube.get(resources.secrets, { namespace, name: 'ant-credentials' }))?.data
  let deleted: { namespace: string; object: Cluster; credentials: Awaited<ReturnType<typeof credentialsIn>> }
  test('a Cluster is deleted', async () => {
    const { namespace, object } = await readyCluster()
    deleted = { namespace, object, credentials: await credentialsIn(namespace) }
    expect(deleted.credentials).toBeDefined()
    await kube.delete(clusters, keyOf(object))
    await isGone(object)
  })

  describe('listeners', () => listenersOnRealServer(place))
  describe('replicas and brokers', () => replicasOnRealServer(place))
  describe('volumes', () => volumesOnRealServer(place))

  describe('admission', () => {
    let namespace: string
    beforeAll(async () => {
      namespace = await makeNamespace(kube)
    })
    // No Cluster of these names exists, so the operator does nothing for the others; for Clusters it may.
    test.each(RULES)('refuses $what in words', async ({ before, write, words }) => {
      const inNamespace = (object: Kind): Kind => ({ ...object, metadata: { ...object.metadata, namespace } }) as Kind
      if (before) await put(inNamespace(before))
      await expect(put(inNamespace(write))).rejects.toThrow(words)
      if (before) {
        await kube.patch(resourceOf(write), keyOf(inNamespace(write)), 'merge', { metadata: { finalizers: null } })
        await kube.delete(resourceOf(write), keyOf(inNamespace(write)))
        await isGone(inNamespace(write))
      }
    })

    test('refuses another type and what is out of range in every field, and says in which', async () => {
      const bases = [cluster('a', namespace), topic('a', namespace), user('a', namespace), acl('a', namespace)]
      expect(await wronglyAnswered(kube, badInputs(bases), namespace)).toEqual([])
    }, 60_000)

    test('refuses every key that the operator writes itself', async () => {
      const object = cluster('keys', namespace, { brokers: [{ name: 'kafka', replicas: 1, zone: 'z', storage: { size: '1Gi' } }] })
      const written = [...parseProperties(serverProperties(object, object.spec.brokers[0]!)).keys()]
      const replaceable = [
        'log.retention.hours',
        'offsets.topic.replication.factor',
        'transaction.state.log.replication.factor',
        'transaction.state.log.min.isr',
      ]
      const owned = [
        ...written.filter((key) => !replaceable.includes(key)),
        'broker.id',
        'advertised.listeners',
        'ssl.keystore.location',
        'log.dir',
        'zookeeper.set.acl',
      ]
      expect(owned.length).toBeGreaterThan(15)
      for (const key of owned)
        await expect(put(cluster('keys', namespace, { config: { [key]: 'x' } })), key).rejects.toThrow('config must not hold')
      const allowed = cluster('keys', namespace, { config: Object.fromEntries(replaceable.map((key) => [key, 1])) })
      await expect(put(allowed)).resolves.toBeDefined()
      await kube.delete(clusters, keyOf(allowed))
    })

    test('refuses fewer partitions than the topic has, where the resource never said a number', async () => {
      const object = topic('grown', namespace)
      await put(object)
      await kube.patch(topics, keyOf(object), 'merge', { status: { partitions: 4 } }, { subresource: 'status' })
      await expect(put(topic('grown', namespace, { partitions: 3 }))).rejects.toThrow('partitions cannot be fewer than the topic has')
      await expect(put(topic('grown', namespace, { partitions: 5 }))).resolves.toBeDefined()
    })
  })

  test('a Cluster becomes its objects, and Ready with its pods', async () => {
    const { namespace, object } = await readyCluster()
    const set = await kube.get(resources.statefulSets, { namespace, name: 'ant-kafka' })
    expect(set?.spec.template.spec.containers[0]?.name).toBe('kafka')
    const { status } = await read(object)
    expect(status).toMatchObject({
      clusterId: 'fake-cluster-id',
      image: 'sofakafka:test',
      readyBrokers: '3/3',
      listeners: [{ name: 'internal', bootstrapServers: `ant-internal-bootstrap.${namespace}.svc:9092` }],
      brokers: [0, 1, 2].map((id) => ({ id, pod: `ant-kafka-${id}`, ready: true })),
    })
    expect(status?.conditions?.map(({ type }) => type)).toEqual(['Ready'])
  })

  test('nothing is written when nothing changed', async () => {
    const { namespace, object, kafka } = await readyCluster()
    const all: Kind[] = [
      object,
      topic('t1', namespace, { partitions: 2, config: { 'retention.ms': 1000 } }),
      user('app', namespace),
      acl('app', namespace),
    ]
    for (const one of all.slice(1)) await put(one)
    for (const one of all) await becomes(one, 'Ready')
    const versions = async () => {
      const kinds = [
        resources.services,
        resources.configMaps,
        resources.secrets,
        resources.statefulSets,
        resources.podDisruptionBudgets,
      ] as Resource[]
      const built = await Promise.all(kinds.map(async (kind) => (await kube.list(kind, { namespace })).items))
      const events = (await kube.list(resources.events, { namespace })).items.filter(
        (event) => event.reportingController === 'sofakafka.io/operator',
      )
      const ours = await Promise.all(all.map(read))
      return [...built.flat(), ...events, ...ours]
        .map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`)
        .sort()
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
    kafka.writes = []
    const before = await versions()
    // A new operator looks at everything once; then its periodic look is played by another start.
    for (let round = 0; round < 3; round++) {
      await place.restartOperator()
      await new Promise((resolve) => setTimeout(resolve, 700))
    }
    expect(await versions()).toEqual(before)
    expect(kafka.writes).toEqual([])
  })

  test('pods are replaced one at a time, ZooKeeper first and the controller last', async () => {
    const { namespace, object } = await readyCluster()
    const uids = new Map((await kube.list(resources.pods, { namespace })).items.map((pod) => [pod.metadata.name, pod.metadata.uid]))
    await put(cluster('ant', namespace, { image: 'sofakafka:new' }))
    const order: string[] = []
    while (order.length < 4) {
      const replaced = await eventually(async () => {
        const { items } = await kube.list(resources.pods, { namespace })
        const fresh = items.filter((pod) => uids.get(pod.metadata.name) !== pod.metadata.uid && !pod.metadata.deletionTimestamp)
        expect(items.filter((pod) => !pod.status?.podIP).length).toBeLessThanOrEqual(1)
        return fresh[0]
      })
      await eventually(async () => (await readyOf(object))?.status === 'False')
      order.push(replaced.metadata.name)
      uids.set(replaced.metadata.name, replaced.metadata.uid)
      expect(replaced.spec.containers[0]?.image).toBe('sofakafka:new')
      await makeReady(replaced, 10 + order.length)
    }
    expect(order).toEqual(['ant-zookeeper-0', 'ant-kafka-2', 'ant-kafka-0', 'ant-kafka-1'])
    await becomes(object, 'Ready')
  })

  test("a Secret of somebody else's is left alone", async () => {
    const namespace = await makeNamespace(kube)
    const data = { password: 'bWluZQ==' }
    const foreign = (name: string) =>
      kube.create(resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data })
    await foreign('ant-credentials')
    await put(cluster('ant', namespace))
    await becomes(cluster('ant', namespace), 'SecretConflict')
    const other = await readyCluster('other')
    await kube.create(resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'app', namespace: other.namespace }, data })
    const object = user('app', other.namespace, { clusterRef: { name: 'other' } })
    await put(object)
    await becomes(object, 'SecretConflict')
    expect((await kube.get(resources.secrets, { namespace: other.namespace, name: 'app' }))?.data).toEqual(data)
    expect(other.kafka.users.size).toBe(0)
  })

  test('a Topic is created, grows, has its configuration kept, and goes with its resource only by policy', async () => {
    const { namespace, kafka } = await readyCluster()
    kafka.topics.set('kept', { partitions: 2, config: new Map([['max.message.bytes', '5']]) })
    kafka.partitions.make('kept', 2, 1)
    const object = topic('kept', namespace, { config: { 'retention.ms': 1000 } })
    await put(object)
    await becomes(object, 'Ready')
    expect(kafka.topics.get('kept')?.config).toEqual(
      new Map([
        ['max.message.bytes', '5'],
        ['retention.ms', '1000'],
      ]),
    )
    await put(topic('kept', namespace, { partitions: 5, config: { 'cleanup.policy': 'delete' } }))
    await eventually(async () => (await read(object)).status?.partitions === 5)
    // The key that the resource once set is reset; the one that somebody else set stays.
    await eventually(() => !kafka.topics.get('kept')?.config.has('retention.ms'))
    expect(kafka.topics.get('kept')?.config.get('max.message.bytes')).toBe('5')
    expect((await read(object)).metadata.finalizers).toBeUndefined()
    await kube.delete(topics, keyOf(object))
    await isGone(object)
    expect(kafka.topics.has('kept')).toBe(true)

    const owned = topic('owned', namespace, { deletionPolicy: 'Delete', name: 'orders.v1' })
    await put(owned)
    await becomes(owned, 'Ready')
    expect((await read(owned)).metadata.finalizers).toEqual(['sofakafka.io/cleanup'])
    await kube.delete(topics, keyOf(owned))
    await isGone(owned)
    expect(kafka.topics.has('orders.v1')).toBe(false)
  })

  test('a topic is made when every broker that starts can have its share', async () => {
    const { namespace, kafka } = await readyCluster()
    const [pod] = (await kube.list(resources.pods, { namespace })).items.filter(({ metadata }) => metadata.name === 'ant-kafka-2')
    const setReady = (status: string) =>
      kube.patch(resources.pods, keyOf(pod!), 'merge', { status: { conditions: [{ type: 'Ready', status }] } }, { subresource: 'status' })
    await setReady('False')
    await becomes(cluster('ant', namespace), 'BrokersNotReady')
    const object = topic('spread', namespace, { partitions: 3 })
    await put(object)
    await becomes(object, 'BrokersNotReady')
    expect(kafka.topics.has('spread')).toBe(false)
    await setReady('True')
    await becomes(object, 'Ready')
    expect(kafka.topics.get('spread')?.partitions).toBe(3)
  })

  test('of two resources for one topic the older has it, and hands it over when it goes', async () => {
    const { namespace, kafka } = await readyCluster()
    const first = topic('first', namespace, { name: 'T1', deletionPolicy: 'Delete' })
    const second = topic('second', namespace, { name: 'T1' })
    await put(first)
    await becomes(first, 'Ready')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await put(second)
    await becomes(second, 'ResourceConflict')
    await kube.delete(topics, keyOf(first))
    await becomes(second, 'Ready')
    expect(kafka.topics.has('T1')).toBe(true)
    expect(kafka.recorded.get('topics/T1')?.owner.name).toBe('second')
  })

  test("Kafka's refusal stands in the condition", async () => {
    const { namespace, kafka } = await readyCluster()
    kafka.refuseTopics = new KafkaError('INVALID_REPLICATION_FACTOR', 'Replication factor: 3 larger than available brokers: 1.')
    const object = topic('bad', namespace, { replicas: 3 })
    await put(object)
    await becomes(object, 'KafkaRefused')
    const conditions = (await read(object)).status?.conditions
    expect(conditionOf(conditions, 'Ready')?.message).toContain('INVALID_REPLICATION_FACTOR: Replication factor: 3')
    expect(conditionOf(conditions, 'Stalled')?.status).toBe('True')
  })

  test('a User gets a password that Kafka checks, a given one where it is given, and none after its deletion', async () => {
    const { namespace, kafka } = await readyCluster()
    const object = user('app', namespace, { username: 'orders-app' })
    await put(object)
    await becomes(object, 'Ready')
    const secret = await kube.get(resources.secrets, { namespace, name: 'app' })
    const text = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
    expect(text('password').length).toBeGreaterThanOrEqual(32)
    expect(text('bootstrap.servers')).toBe(`ant-internal-bootstrap.${namespace}.svc:9092`)
    expect(text('sasl.jaas.config')).toContain(`username="orders-app" password="${text('password')}";`)
    const credential = () => kafka.users.get('orders-app')!.get('SCRAM-SHA-512')!
    expect(await verifyPassword('SCRAM-SHA-512', text('password'), credential())).toBe(true)

    const given = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'given', namespace },
      data: { pw: Buffer.from('by hand').toString('base64') },
    }
    await kube.create(resources.secrets, given)
    await put(
      user('app', namespace, { username: 'orders-app', authentication: { password: { secretKeyRef: { name: 'given', key: 'pw' } } } }),
    )
    await eventually(async () => verifyPassword('SCRAM-SHA-512', 'by hand', credential()))

    await kube.delete(users, keyOf(object))
    await isGone(object)
    expect(kafka.users.has('orders-app')).toBe(false)
    await eventually(async () => (await kube.get(resources.secrets, { namespace, name: 'app' })) === undefined)
  })

  test('an Acl makes its bindings and takes away only its own', async () => {
    const { namespace, kafka } = await readyCluster()
    const theirs = {
      resourceType: 'TOPIC',
      resourceName: 'T9',
      patternType: 'LITERAL',
      principal: 'User:app',
      host: '*',
      operation: 'READ',
      permission: 'ALLOW',
    } as const
    await kafka.acls.create([theirs])
    const rule = (operations: string[]) => ({ rules: [{ resource: { type: 'Topic', name: 'T1', patternType: 'Prefixed' }, operations }] })
    const object = acl('app', namespace, rule(['Read', 'Describe']))
    await put(object)
    await becomes(object, 'Ready')
    const operations = () =>
      [...kafka.bindings.values()]
        .filter((binding) => binding.resourceName === 'T1')
        .map((binding) => binding.operation)
        .sort()
    expect(operations()).toEqual(['DESCRIBE', 'READ'])
    await put(acl('app', namespace, rule(['Write', 'Describe'])))
    await eventually(() => operations().join() === 'DESCRIBE,WRITE')
    await kube.delete(acls, keyOf(object))
    await isGone(object)
    expect([...kafka.bindings.values()]).toEqual([theirs])
  })

  test('another namespace needs leave, and keeps to its prefixes', async () => {
    const { namespace, kafka } = await readyCluster()
    const team = await makeNamespace(kube)
    const clusterRef = { name: 'ant', namespace }
    const object = topic('team-a.orders', team, { clusterRef })
    await put(object)
    await becomes(object, 'NamespaceNotAllowed')
    await put(
      cluster('ant', namespace, {
        allowedNamespaces: [{ name: team, prefixes: ['team-a.'] }],
        authorization: { superUsers: ['User:team-a.root'] },
      }),
    )
    await becomes(object, 'Ready')
    expect(kafka.topics.has('team-a.orders')).toBe(true)
    const refused = [
      topic('other', team, { clusterRef }),
      user('team-a.root', team, { clusterRef }),
      acl('cluster-rights', team, { clusterRef, user: 'team-a.app', rules: [{ resource: { type: 'Cluster' }, operations: ['Alter'] }] }),
      acl('all-topics', team, {
        clusterRef,
        user: 'team-a.app2',
        rules: [{ resource: { type: 'Topic', name: '*' }, operations: ['Read'] }],
      }),
    ]
    for (const one of refused) await put(one)
    for (const one of refused) await becomes(one, 'NameNotAllowed')
  })

  test('finalizers are released when the Cluster is gone, and when nobody can be reached; what was left is removed later', async () => {
    const { namespace, object, kafka } = await readyCluster()
    const one = topic('one', namespace, { deletionPolicy: 'Delete' })
    await put(one)
    await becomes(one, 'Ready')
    kafka.isReachable = false
    contacts.unreachableForMs = 31_000
    await kube.delete(topics, keyOf(one))
    await isGone(one)
    expect(kafka.topics.has('one')).toBe(true)
    kafka.isReachable = true
    await kube.patch(clusters, keyOf(object), 'merge', { metadata: { annotations: { touched: 'yes' } } })
    await eventually(() => !kafka.topics.has('one'))

    const two = topic('two', namespace, { deletionPolicy: 'Delete' })
    await put(two)
    await becomes(two, 'Ready')
    kafka.isReachable = false
    contacts.unreachableForMs = 0
    await kube.delete(clusters, keyOf(object))
    await kube.delete(topics, keyOf(two))
    await isGone(two)
  })

  test('a paused resource is left as it is', async () => {
    const { namespace, kafka } = await readyCluster()
    const object = topic('paused', namespace)
    await put({ ...object, metadata: { ...object.metadata, annotations: { 'sofakafka.io/paused': 'true' } } })
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(kafka.topics.has('paused')).toBe(false)
    await kube.patch(topics, keyOf(object), 'merge', { metadata: { annotations: { 'sofakafka.io/paused': null } } })
    await becomes(object, 'Ready')
  })

  test.skipIf(lacks('helm'))(
    'the rights that the chart gives in single namespaces are enough there',
    async () => {
      const [watched, system] = [await makeNamespace(kube), await makeNamespace(kube)]
      const helm = [
        'template',
        'sofakafka',
        join('charts', 'sofakafka'),
        '-n',
        system,
        '--kube-version',
        '1.33.0',
        '--set',
        `watchNamespaces={${watched}}`,
      ]
      const rendered = parseAllDocuments(execFileSync('helm', helm, { encoding: 'utf8' })).map((each) => each.toJS() as KubeObject)
      const kinds = { ServiceAccount: 'serviceaccounts', Role: 'roles', RoleBinding: 'rolebindings' }
      for (const [kind, plural] of Object.entries(kinds)) {
        for (const object of rendered.filter((each) => each.kind === kind))
          await kube.patch(resources.resourceOf(object.apiVersion, kind, plural), keyOf(object), 'apply', object)
      }
      const account = `/api/v1/namespaces/${system}/serviceaccounts/sofakafka/token`
      const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
      const { token } = ((await kube.raw('POST', account, request)) as { status: { token: string } }).status
      const connection = { ...place.connection, authorization: () => Promise.resolve(`Bearer ${token}`) }
      await place.operator.stop()
      place.operator = await place.startOperator({ connection, watched: [watched], namespace: system })
      await place.operator.leading
      const object = cluster('ant', watched)
      const all = [topic('t', watched, { deletionPolicy: 'Delete' }), user('u', watched), acl('x', watched)]
      await put(object)
      await playNodes(watched, 4)
      await becomes(object, 'Ready')
      for (const one of all) await put(one)
      for (const one of all) await becomes(one, 'Ready')
      for (const one of all) await kube.delete(resourceOf(one), keyOf(one))
      for (const one of all) await isGone(one)
      const client = new KubeClient({ connection, clock: monotonicClock, fieldManager: 'test', appliedAnnotation: 'test' })
      expect(await homeOf(client)({ namespace: watched, name: 'ant' })).toMatch(/^[-0-9a-f]{36}\/ant$/)
      await expect(client.list(topics)).rejects.toThrow('forbidden')
      client.close()
      const metrics = await (await fetch(`http://127.0.0.1:${place.operator.httpPort}/metrics`)).text()
      expect(metrics.split('\n').filter((line) => line.includes('"403"'))).toEqual([])
      await place.operator.stop()
      place.operator = await place.startOperator()
      await place.operator.leading
    },
    60_000,
  )

  test('the deleted Cluster, made again, finds its passwords and claims', async () => {
    const { namespace, object, credentials } = deleted
    await eventually(async () => (await kube.list(resources.statefulSets, { namespace })).items.length === 0, { timeoutMs: 90_000 })
    expect((await kube.list(resources.persistentVolumeClaims, { namespace })).items.map(({ metadata }) => metadata.name)).toHaveLength(4)
    for (const pod of (await kube.list(resources.pods, { namespace })).items)
      await kube.delete(resources.pods, keyOf(pod), { gracePeriodSeconds: 0 })
    await put(object)
    await playNodes(namespace, 4)
    await becomes(object, 'Ready')
    expect(await credentialsIn(namespace)).toEqual(credentials)
  }, 120_000)

  test('a second operator waits, and takes over when the first one stops', async () => {
    const second = await place.startOperator()
    const state = await Promise.race([
      second.leading.then(() => 'leads'),
      new Promise((resolve) => setTimeout(() => resolve('waits'), 1500)),
    ])
    expect(state).toBe('waits')
    await place.operator.stop()
    await second.leading
    place.operator = second
  })
})
