import { describe, expect, test } from 'vitest'
import type { Cluster, Topic } from '../../../src/api/index.ts'
import { parseProperties } from '../../../src/base/properties.ts'
import { BrokerConfig } from '../../../src/broker/config/broker-config.ts'
import { brokerProperties } from '../../../src/broker/config/file.ts'
import { advertisedOf, interBrokerListenerOf, listenersOf } from '../../../src/broker/config/listeners.ts'
import { parseZooConfig } from '../../../src/embedded-zookeeper/zoo-cfg.ts'
import type { ConfigMap, Pod, StatefulSet } from '../../../src/kube/resources.ts'
import type { KubeObject } from '../../../src/kube/types.ts'
import { bindingsOf } from '../../../src/operator/acl/desired.ts'
import { credentialsOf, newPasswords, readCredentials } from '../../../src/operator/cluster/credentials.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import { startingBrokers } from '../../../src/operator/cluster/pods/broker-pods.ts'
import { nextToReplace } from '../../../src/operator/cluster/rolls/roll.ts'
import { clusterStatus } from '../../../src/operator/cluster/status.ts'
import { TEMPLATE_HASH } from '../../../src/operator/names.ts'
import { desiredTopic } from '../../../src/operator/topic/desired.ts'
import { acl, cluster, topic } from '../support/objects.ts'

const made = (spec: Record<string, unknown> = {}): Cluster => {
  const object = cluster('ant', 'prod', { deletionPolicy: 'Retain', ...spec })
  return { ...object, metadata: { ...object.metadata, uid: 'uid-1', generation: 3 } }
}
const inputs = { image: 'r/sofakafka:1', advertise: 'pod-dns' } as const
const objectsOf = (spec: Record<string, unknown> = {}, more: Partial<{ advertise: 'pod-dns' | 'pod-ip' }> = {}) =>
  desired(made(spec), { ...inputs, ...more })
const named = (objects: KubeObject[], kind: string, name: string): KubeObject =>
  objects.find((object) => object.kind === kind && object.metadata.name === name)!
const findSet = (objects: KubeObject[], name: string) => named(objects, 'StatefulSet', name) as StatefulSet
const findConfig = (objects: KubeObject[], name: string) => named(objects, 'ConfigMap', name) as ConfigMap
const groups = (...more: Record<string, unknown>[]) => [{ name: 'kafka', replicas: 3, storage: { size: '1Gi' } }, ...more]

describe('the objects of a Cluster', () => {
  test('are the same for the same Cluster, and each goes with it', () => {
    expect(objectsOf()).toEqual(objectsOf())
    for (const { metadata } of objectsOf())
      expect(metadata.ownerReferences).toMatchObject([{ kind: 'Cluster', uid: 'uid-1', controller: true }])
  })

  test('have the names by which dashboards find pods, claims and ports', () => {
    const set = findSet(objectsOf(), 'ant-kafka')
    expect(set.spec).toMatchObject({
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      serviceName: 'ant-kafka-brokers',
    })
    expect(set.spec.volumeClaimTemplates?.[0]?.metadata.name).toBe('data')
    const [container] = set.spec.template.spec.containers
    expect(container?.name).toBe('kafka')
    expect(container?.ports).toContainEqual({ name: 'tcp-prometheus', containerPort: 9404, protocol: 'TCP' })
  })

  test('run without rights, on a root that cannot be written', () => {
    for (const name of ['ant-kafka', 'ant-zookeeper']) {
      const { spec } = findSet(objectsOf(), name).spec.template
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      })
      expect(spec.containers[0]).toMatchObject({
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      })
    }
  })

  test('keep logs below the mount, not at its top', () => {
    const config = parseProperties(findConfig(objectsOf(), 'ant-kafka').data!['server.properties']!)
    const mounts = findSet(objectsOf(), 'ant-kafka').spec.template.spec.containers[0]!.volumeMounts!
    const mount = mounts.find(({ name }) => name === 'data')!.mountPath
    expect(config.get('log.dirs')!.startsWith(`${mount}/`)).toBe(true)
  })

  test('hold a server.properties that the broker takes, with what the container adds to it', () => {
    const objects = objectsOf({
      brokers: groups({ name: 'big-kafka', replicas: 3, firstId: 100, zone: 'idc-b', flavor: '16C60G' }),
      config: { 'num.partitions': 4 },
      listeners: [
        { name: 'internal', port: 9092 },
        { name: 'apps', port: 9093, authentication: { mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-512'] } },
      ],
    })
    const [container] = findSet(objects, 'ant-big-kafka').spec.template.spec.containers
    const environment: Record<string, string> = { BROKER_ID: '101', POD_NAME: 'ant-big-kafka-101', POD_IP: '10.0.0.1' }
    const overrides = container!
      .args!.filter((text) => text.includes('='))
      .map((text) => text.replace(/\$\((\w+)\)/g, (_all, name: string) => environment[name]!))
    const text = findConfig(objects, 'ant-big-kafka').data!['server.properties']!
    const config = BrokerConfig.parse(brokerProperties(text, overrides, () => 'password=pw\n'))
    expect(config.get('broker.id')).toBe(101)
    expect(config.get('broker.rack')).toBe('idc-b')
    expect(config.get('num.partitions')).toBe(4)
    expect(config.get('log.retention.hours')).toBe(72)
    expect(listenersOf(config).map(({ name, port, protocol }) => [name, port, protocol])).toEqual([
      ['REPLICATION', 9091, 'SASL_PLAINTEXT'],
      ['INTERNAL', 9092, 'SASL_PLAINTEXT'],
      ['APPS', 9093, 'SASL_PLAINTEXT'],
    ])
    expect(interBrokerListenerOf(config).name).toBe('REPLICATION')
    const host = 'ant-big-kafka-101.ant-kafka-brokers.prod.svc'
    expect(advertisedOf(config, '', ({ port }) => port).map((endpoint) => endpoint.host)).toEqual([host, host, host])
  })

  test('hold a zoo.cfg that the embedded ZooKeeper takes, with its data below the mount', () => {
    const config = parseZooConfig(findConfig(objectsOf(), 'ant-zookeeper').data!['zoo.cfg']!)
    expect(config).toMatchObject({ clientPort: 2181, dataDir: '/var/lib/sofakafka/data', warnings: [] })
  })

  test('advertise addresses where names cannot be resolved', () => {
    const [container] = findSet(objectsOf({}, { advertise: 'pod-ip' }), 'ant-kafka').spec.template.spec.containers
    expect(container?.args?.at(-1)).toBe('advertised.listeners=REPLICATION://$(POD_IP):9091,INTERNAL://$(POD_IP):9092')
  })

  test('a flavor stands for requests, limits and a volume; what is said besides wins', () => {
    const objects = objectsOf({ brokers: [{ name: 'kafka', replicas: 1, flavor: '4C8G', resources: { limits: { memory: '16Gi' } } }] })
    const { template, volumeClaimTemplates } = findSet(objects, 'ant-kafka').spec
    const [container] = template.spec.containers
    expect(container?.resources).toEqual({ requests: { cpu: '4', memory: '8Gi' }, limits: { cpu: '4', memory: '16Gi' } })
    expect(container?.env).toContainEqual({ name: 'NODE_OPTIONS', value: '--max-old-space-size=8192' })
    expect(volumeClaimTemplates?.[0]).toMatchObject({ spec: { resources: { requests: { storage: '500Gi' } } } })
  })

  test('no password stands in a ConfigMap, an argument or an environment variable', () => {
    const passwords = newPasswords()
    const secret = credentialsOf(made(), { passwords, next: { passwords: newPasswords(), sinceMs: 0 } })
    expect(readCredentials(secret)?.passwords).toEqual(passwords)
    const text = JSON.stringify(objectsOf())
    expect(Object.keys(secret.data!)).toHaveLength(5)
    for (const value of Object.values(secret.data!)) {
      const plain = Buffer.from(value, 'base64').toString()
      expect(plain.length).toBeGreaterThan(32)
      expect(text).not.toContain(plain.trim())
    }
    expect(secret.metadata.ownerReferences).toBeUndefined()
    expect(credentialsOf(made({ deletionPolicy: 'Delete' }), { passwords }).metadata.ownerReferences).toHaveLength(1)
  })

  const hashOf = (spec: Record<string, unknown>, image = 'a') =>
    findSet(desired(made(spec), { ...inputs, image }), 'ant-kafka').spec.template.metadata?.annotations?.[TEMPLATE_HASH]

  test('pods are replaced for an image, a setting or a resource, and for nothing else', () => {
    const base = hashOf({})
    expect(hashOf({ allowedNamespaces: [{ name: 'x', prefixes: ['x'] }] })).toBe(base)
    expect(hashOf({ brokers: groups({ name: 'big-kafka', replicas: 1, firstId: 100, storage: { size: '1Gi' } }) })).toBe(base)
    expect(hashOf({ brokers: [{ name: 'kafka', replicas: 5, storage: { size: '1Gi' } }] })).toBe(base)
    const others = [hashOf({}, 'b'), hashOf({ config: { 'num.partitions': 2 } }), hashOf({ authorization: { superUsers: ['User:admin'] } })]
    for (const other of others) expect(other).not.toBe(base)
  })

  test('without authorization there is no authorizer; with it brokers, operator and the named ones are super users', () => {
    const properties = (spec: Record<string, unknown>) =>
      parseProperties(findConfig(objectsOf(spec), 'ant-kafka').data!['server.properties']!)
    expect(properties({ authorization: undefined }).has('authorizer.class.name')).toBe(false)
    const withIt = properties({ authorization: { superUsers: ['User:admin'] } })
    expect(withIt.get('authorizer.class.name')).toBe('kafka.security.authorizer.AclAuthorizer')
    expect(withIt.get('super.users')).toBe('User:sofakafka-operator;User:sofakafka-broker;User:admin')
  })
})

describe('replacing pods', () => {
  const sets = objectsOf().filter((object): object is StatefulSet => object.kind === 'StatefulSet')
  const pod = (name: string, options: { isNew?: boolean; isReady?: boolean; isGoing?: boolean } = {}): Pod => {
    const set = sets.find((one) => name.startsWith(one.metadata.name))!
    const hash = options.isNew ? set.spec.template.metadata!.annotations![TEMPLATE_HASH]! : 'old'
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'prod',
        labels: set.spec.template.metadata!.labels,
        annotations: { [TEMPLATE_HASH]: hash },
        ...(options.isGoing ? { deletionTimestamp: 'now' } : {}),
      },
      spec: { containers: [] },
      status: { podIP: `10.0.0.${name.at(-1)}`, conditions: [{ type: 'Ready', status: options.isReady === false ? 'False' : 'True' }] },
    }
  }
  const next = (pods: Pod[], controllerId?: number) => nextToReplace({ statefulSets: sets, pods, controllerId })?.metadata.name
  const zookeeper = pod('ant-zookeeper-0', { isNew: true })

  test('begins with what is broken, whatever else is not ready', () => {
    expect(
      next([zookeeper, pod('ant-kafka-0', { isReady: false }), pod('ant-kafka-1'), pod('ant-kafka-2', { isNew: true, isReady: false })]),
    ).toBe('ant-kafka-0')
  })
  test('waits for a pod that is missing, going or not ready', () => {
    expect(next([zookeeper, pod('ant-kafka-0'), pod('ant-kafka-1')])).toBeUndefined()
    expect(next([zookeeper, pod('ant-kafka-0'), pod('ant-kafka-1'), pod('ant-kafka-2', { isGoing: true })])).toBeUndefined()
    expect(next([zookeeper, pod('ant-kafka-0'), pod('ant-kafka-1'), pod('ant-kafka-2', { isNew: true, isReady: false })])).toBeUndefined()
  })
  test('takes the controller last, and nothing when all is new', () => {
    expect(next([zookeeper, pod('ant-kafka-0'), pod('ant-kafka-1'), pod('ant-kafka-2')], 2)).toBe('ant-kafka-1')
    expect(next([zookeeper, pod('ant-kafka-0', { isNew: true }), pod('ant-kafka-1', { isNew: true }), pod('ant-kafka-2')], 2)).toBe(
      'ant-kafka-2',
    )
    expect(next([0, 1, 2].map((id) => pod(`ant-kafka-${id}`, { isNew: true })).concat(zookeeper))).toBeUndefined()
  })

  test('the status names addresses where names cannot be resolved, and the trouble of pods', () => {
    const pods = [zookeeper, pod('ant-kafka-1'), pod('ant-kafka-0', { isReady: false })]
    pods[2]!.status!.containerStatuses = [
      { name: 'kafka', ready: false, restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } } },
    ]
    const common = { cluster: made(), pods, outdated: 0, clusterId: 'id', trouble: undefined, warnings: [] }
    const status = clusterStatus({ ...common, inputs: { image: 'i', advertise: 'pod-ip' } }, 0)
    expect(status.listeners).toEqual([{ name: 'internal', bootstrapServers: '10.0.0.0:9092,10.0.0.1:9092' }])
    expect(status.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'False', reason: 'BrokersNotReady' })
    expect(status.conditions?.[0]?.message).toBe('1 of 3 brokers are ready; ant-kafka-0: CrashLoopBackOff: back-off')
    expect(status.readyBrokers).toBe('1/3')
  })
})

describe('a topic', () => {
  const seen = (
    spec: Record<string, unknown>,
    partitions: number | undefined,
    overrides: Record<string, string> = {},
    recorded: string[] = [],
  ) => ({
    topic: { ...topic('t', 'prod', { deletionPolicy: 'Retain', ...spec }) } as Topic,
    cluster: made(),
    name: 't',
    description: partitions === undefined ? undefined : { name: 't', partitions, replicationFactor: 1, isUniform: true },
    overrides: new Map(Object.entries(overrides)),
    record: { owner: { namespace: 'prod', name: 't', uid: '' }, deletionPolicy: 'Retain', config: recorded } as const,
  })

  test('is made with the defaults of the broker where nothing is said', () => {
    expect(desiredTopic(seen({}, undefined)).create).toEqual({ name: 't', partitions: undefined, replicationFactor: undefined, config: {} })
  })
  test('grows, never shrinks, and says so', () => {
    expect(desiredTopic(seen({ partitions: 6 }, 3)).growTo).toBe(6)
    expect(desiredTopic(seen({ partitions: 2 }, 3))).toMatchObject({
      growTo: undefined,
      problem: { reason: 'PartitionsCannotShrink', state: 'stalled' },
    })
  })
  test('gets other replicas where the resource says a number that is not there', () => {
    expect(desiredTopic(seen({ replicas: 3 }, 3)).replicas).toBe(3)
    expect(desiredTopic(seen({ replicas: 1 }, 3)).replicas).toBeUndefined()
    expect(desiredTopic(seen({}, 3)).replicas).toBeUndefined()
    const half = seen({ replicas: 1 }, 3)
    expect(desiredTopic({ ...half, description: { ...half.description!, isUniform: false } }).replicas).toBe(1)
    expect(desiredTopic({ ...half, record: { ...half.record, isMoving: true } }).replicas).toBe(1)
  })
  test('has only the keys touched that its resource sets or once set', () => {
    const plan = desiredTopic(seen({ config: { a: 1, b: 'x' } }, 3, { a: '1', b: 'y', c: 'theirs', d: 'ours' }, ['a', 'd', 'e']))
    expect(plan.configChanges).toEqual([
      { key: 'b', value: 'x' },
      { key: 'd', value: null },
    ])
    expect(plan.recordBefore.config).toEqual(['a', 'b', 'd', 'e'])
    expect(plan.recordAfter.config).toEqual(['a', 'b'])
  })
})

test('rules become bindings in the names of Kafka, each once', () => {
  const bindings = bindingsOf(
    acl('x', 'prod', {
      rules: [
        {
          resource: { type: 'TransactionalId', name: 'tx-', patternType: 'Prefixed' },
          operations: ['Write'],
          host: '10.0.0.1',
          permission: 'Deny',
        },
        { resource: { type: 'Cluster' }, operations: ['IdempotentWrite', 'DescribeConfigs'] },
        { resource: { type: 'Cluster' }, operations: ['IdempotentWrite'] },
      ],
    }),
  )
  const common = { principal: 'User:app', host: '*', permission: 'ALLOW', patternType: 'LITERAL' }
  expect(bindings).toEqual([
    {
      resourceType: 'TRANSACTIONAL_ID',
      resourceName: 'tx-',
      patternType: 'PREFIXED',
      principal: 'User:app',
      host: '10.0.0.1',
      operation: 'WRITE',
      permission: 'DENY',
    },
    { ...common, resourceType: 'CLUSTER', resourceName: 'kafka-cluster', operation: 'IDEMPOTENT_WRITE' },
    { ...common, resourceType: 'CLUSTER', resourceName: 'kafka-cluster', operation: 'DESCRIBE_CONFIGS' },
  ])
})

describe('brokers that are starting', () => {
  const nowMs = Date.parse('2026-01-01T00:10:00Z')
  const ago = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString()
  const made = (seconds: number): Cluster => {
    const object = cluster('ant', 'ns')
    return { ...object, metadata: { ...object.metadata, creationTimestamp: ago(seconds) } }
  }
  const broker = (id: number, seconds: number, ready: 'True' | 'False'): Pod =>
    ({
      metadata: { name: `ant-kafka-${id}`, creationTimestamp: ago(seconds) },
      status: { conditions: [{ type: 'Ready', status: ready }] },
    }) as unknown as Pod

  test('are those that do not serve yet, and those whose pods are not even made', () => {
    expect(startingBrokers(made(5), [broker(0, 4, 'True'), broker(1, 4, 'False')], nowMs)).toBe(2)
    expect(
      startingBrokers(
        made(5),
        [0, 1, 2].map((id) => broker(id, 4, 'True')),
        nowMs,
      ),
    ).toBe(0)
  })

  test('are not waited for when they take too long', () => {
    expect(startingBrokers(made(500), [broker(0, 400, 'True'), broker(1, 61, 'False')], nowMs)).toBe(0)
    expect(startingBrokers(made(500), [broker(0, 400, 'True'), broker(1, 59, 'False')], nowMs)).toBe(1)
  })
})
