import { describe, expect, test } from 'vitest'
import { parseProperties } from '../../../src/base/properties.ts'
import type { ConfigMap, StatefulSet } from '../../../src/kube/resources.ts'
import type { KubeObject } from '../../../src/kube/types.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import { heapMib, sizingEnv, sizingProperties } from '../../../src/operator/cluster/pods/sizing.ts'
import { cluster } from '../support/objects.ts'

const operatorPods = { namespace: 'kafka-system', labels: { 'app.kubernetes.io/name': 'sofakafka-operator' } }
const objectsOf = (spec: Record<string, unknown> = {}, more: Record<string, unknown> = {}) => {
  const object = cluster('ant', 'prod', { deletionPolicy: 'Retain', ...spec })
  // What admission would fill in.
  object.spec.zookeeper.replicas ??= 1
  return desired(object, { image: 'i', advertise: 'pod-dns', ...more })
}
const named = (objects: KubeObject[], kind: string, name: string): KubeObject | undefined =>
  objects.find((object) => object.kind === kind && object.metadata.name === name)
const podOf = (objects: KubeObject[], name = 'ant-kafka') => (named(objects, 'StatefulSet', name) as StatefulSet).spec.template.spec
const fileOf = (objects: KubeObject[]) =>
  parseProperties((named(objects, 'ConfigMap', 'ant-kafka') as ConfigMap).data!['server.properties']!)
const group = (more: Record<string, unknown>) => ({ brokers: [{ name: 'kafka', replicas: 3, storage: { size: '1Gi' }, ...more }] })

describe('what limits mean', () => {
  const MIB = 1024 ** 2
  test.each([
    ['a small pod', { limits: { memory: '512Mi', cpu: '500m' } }, [256, 64, 32, 32], 2, 4],
    ['4C8G', { limits: { memory: '8Gi', cpu: '4' } }, [4096, 1024, 512, 512], 2, 8],
    ['16C60G', { limits: { memory: '60Gi', cpu: '16' } }, [8192, 1024, 512, 1024], 8, 32],
    ['a tiny one', { limits: { memory: '100M', cpu: '64' } }, [64, 32, 32, 32], 16, 64],
  ])('%s', (_what, resources, [heap, requests, responses, dirty], workers, threads) => {
    expect(heapMib(resources)).toBe(heap)
    expect(Object.fromEntries(sizingProperties(resources))).toEqual({
      'queued.max.request.bytes': String(requests! * MIB),
      'sofakafka.queued.max.response.bytes': String(responses! * MIB),
      'sofakafka.dirty.max.bytes': String(dirty! * MIB),
      'sofakafka.worker.threads': String(workers),
    })
    expect(sizingEnv(resources)).toEqual([
      { name: 'NODE_OPTIONS', value: `--max-old-space-size=${heap}` },
      { name: 'UV_THREADPOOL_SIZE', value: String(threads) },
    ])
  })

  test('what is not said is not limited; requested CPUs count where no limit is', () => {
    expect([heapMib(undefined), sizingProperties(undefined), sizingEnv(undefined)]).toEqual([undefined, [], []])
    expect(sizingProperties({ requests: { cpu: 8, memory: '8Gi' } })).toEqual([['sofakafka.worker.threads', '4']])
  })

  test('the flavors reach the file and the container, and spec.config wins', () => {
    const objects = objectsOf({ ...group({ flavor: '16C60G' }), config: { 'queued.max.request.bytes': 7 } })
    expect(fileOf(objects).get('sofakafka.worker.threads')).toBe('8')
    expect(fileOf(objects).get('queued.max.request.bytes')).toBe('7')
    expect(podOf(objects).containers[0]!.env).toContainEqual({ name: 'UV_THREADPOOL_SIZE', value: '32' })
  })
})

describe('pods', () => {
  test('have accounts without a token', () => {
    const objects = objectsOf()
    for (const role of ['kafka', 'zookeeper']) {
      expect(named(objects, 'ServiceAccount', `ant-${role}`)).toMatchObject({ automountServiceAccountToken: false })
      expect(podOf(objects, `ant-${role}`)).toMatchObject({ serviceAccountName: `ant-${role}`, automountServiceAccountToken: false })
    }
  })

  test('have more time to stop than the broker takes for it', () => {
    const objects = objectsOf()
    const graceMs = Number(podOf(objects)['terminationGracePeriodSeconds']) * 1000
    expect(graceMs).toBeGreaterThanOrEqual(Number(fileOf(objects).get('sofakafka.shutdown.timeout.ms')) + 5000)
  })

  test('have the time, the user and the names that their template says', () => {
    const template = {
      terminationGracePeriodSeconds: 300,
      securityContext: { runAsUser: 2000, fsGroup: 2001 },
      hostAliases: [{ ip: '10.0.0.1', hostnames: ['a'] }],
      dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
      runtimeClassName: 'gvisor',
    }
    const objects = objectsOf(group({ template }))
    const { terminationGracePeriodSeconds, hostAliases, dnsConfig, runtimeClassName } = template
    expect(podOf(objects)).toMatchObject({ terminationGracePeriodSeconds, hostAliases, dnsConfig, runtimeClassName })
    expect(fileOf(objects).get('sofakafka.shutdown.timeout.ms')).toBe('290000')
    const always = { runAsNonRoot: true, fsGroupChangePolicy: 'OnRootMismatch', seccompProfile: { type: 'RuntimeDefault' } }
    expect(podOf(objects)['securityContext']).toEqual({ ...always, runAsUser: 2000, fsGroup: 2001 })
    expect(podOf(objectsOf(group({ template: { securityContext: {} } })))['securityContext']).toEqual(always)
    expect(podOf(objectsOf())['securityContext']).toEqual({ ...always, runAsUser: 10_001, runAsGroup: 10_001, fsGroup: 10_001 })
    expect(podOf(objects, 'ant-zookeeper')).toMatchObject({ terminationGracePeriodSeconds: 30, securityContext: { runAsUser: 10_001 } })
  })

  test('are spread over nodes unless the template says otherwise; the zone is required in each alternative of its affinity', () => {
    expect(podOf(objectsOf())['topologySpreadConstraints']).toMatchObject([
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
    ])
    const required = (terms: unknown[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } })
    const [ssd, old] = [
      { key: 'disk', operator: 'In', values: ['ssd'] },
      { key: 'old', operator: 'Exists' },
    ]
    const template = {
      affinity: { nodeAffinity: required([{ matchExpressions: [ssd] }, { matchExpressions: [old] }]), podAntiAffinity: { x: 1 } },
      topologySpreadConstraints: [],
      schedulerName: 'mine',
      priorityClassName: 'high',
      imagePullSecrets: [{ name: 'pull' }],
    }
    const pod = podOf(objectsOf(group({ zone: 'idc-a', template })))
    const zone = { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['idc-a'] }
    expect(pod).toMatchObject({
      affinity: {
        nodeAffinity: required([{ matchExpressions: [ssd, zone] }, { matchExpressions: [old, zone] }]),
        podAntiAffinity: { x: 1 },
      },
      topologySpreadConstraints: [],
      schedulerName: 'mine',
      priorityClassName: 'high',
      imagePullSecrets: [{ name: 'pull' }],
    })
  })
})

describe('network policies', () => {
  type Policy = KubeObject & { spec: { ingress: { ports: { port: number }[]; from?: unknown[] }[] } }
  const policyOf = (role: string, spec: Record<string, unknown> = {}) =>
    named(objectsOf(spec, { operatorPods }), 'NetworkPolicy', `ant-${role}`) as Policy
  const rule = (policy: Policy, port: number) => policy.spec.ingress.find(({ ports }) => ports.some((one) => one.port === port))
  const ours = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kafka-system' } },
    podSelector: { matchLabels: operatorPods.labels },
  }

  test('open listeners and metrics, and keep what is among brokers, and ZooKeeper, to the pods of the Cluster and the operator', () => {
    const kafka = policyOf('kafka')
    expect(rule(kafka, 9092)?.from).toBeUndefined()
    expect(rule(kafka, 9404)?.from).toBeUndefined()
    const brokers = { podSelector: { matchLabels: { 'sofakafka.io/cluster': 'ant', 'app.kubernetes.io/name': 'kafka' } } }
    expect(rule(kafka, 9091)?.from).toEqual([brokers, ours])
    const servers = { podSelector: { matchLabels: { 'sofakafka.io/cluster': 'ant', 'sofakafka.io/group': 'zookeeper' } } }
    expect(rule(policyOf('zookeeper'), 2181)?.from).toEqual([brokers, servers, ours])
    const ensemble = policyOf('zookeeper', { zookeeper: { replicas: 3, image: 'zookeeper:3.9', storage: { size: '1Gi' } } })
    expect(rule(ensemble, 2888)?.from).toEqual([servers])
    expect(rule(ensemble, 3888)?.from).toEqual([servers])
    expect(rule(ensemble, 9404)).toBeUndefined()
    const more = { tls: { enabled: true }, metrics: { enabled: true } }
    const secured = policyOf('zookeeper', { zookeeper: { replicas: 3, image: 'zookeeper:3.9', storage: { size: '1Gi' }, ...more } })
    expect(rule(secured, 2181)).toBeUndefined()
    expect(rule(secured, 2182)?.from).toEqual([brokers, servers, ours])
    expect(rule(secured, 9404)).toEqual({ ports: [{ protocol: 'TCP', port: 9404 }] })
  })

  test('let in whom a listener names, and no others', () => {
    const peers = [{ namespaceSelector: { matchLabels: { team: 'a' } } }]
    const listeners = [
      { name: 'apps', port: 9092, networkPolicyPeers: peers },
      { name: 'all', port: 9093 },
    ]
    const kafka = policyOf('kafka', { listeners })
    expect(rule(kafka, 9092)?.from).toEqual([...peers, ours])
    expect(rule(kafka, 9093)?.from).toBeUndefined()
  })

  test('open the listener that is shared with brokers that are taken over, as long as there is one', () => {
    const shared = { listener: { name: 'SHARED', port: 9095, securityProtocol: 'PLAINTEXT' }, isInterBroker: true }
    const during = named(objectsOf({}, { operatorPods, shared }), 'NetworkPolicy', 'ant-kafka') as Policy
    expect(rule(during, 9095)).toEqual({ ports: [{ protocol: 'TCP', port: 9095 }] })
    expect(rule(policyOf('kafka'), 9095)).toBeUndefined()
  })

  test('are made only by an operator that knows its own pods', () => {
    expect(objectsOf().map(({ kind }) => kind)).not.toContain('NetworkPolicy')
  })
})
