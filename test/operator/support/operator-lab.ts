import { acls, clusters, topics, users, type Acl, type Cluster, type Topic, type User } from '../../../src/api/index.ts'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import type { KubeClient } from '../../../src/kube/client.ts'
import { conditionOf } from '../../../src/kube/conditions.ts'
import type { KubeConnection } from '../../../src/kube/connection.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf, type Condition, type KubeObject, type Resource } from '../../../src/kube/types.ts'
import { runOperator, type Operator, type OperatorOptions } from '../../../src/operator/program.ts'
import { KUBE_LAB_PORTS, startKubeLab, type KubeLab } from '../../support/control-plane.ts'
import { eventually, freePorts } from '../../support/net.ts'
import { FakeContacts } from './fake-kafka.ts'
import { CLUSTER_LABEL, MANAGER } from '../../../src/operator/names.ts'
import { installKinds, makeNamespace } from './lab.ts'
import { cluster } from './objects.ts'

export type Kind = Cluster | Topic | User | Acl
const RESOURCES = { Cluster: clusters, Topic: topics, User: users, Acl: acls } as Record<string, Resource<Kind>>
export const resourceOf = (object: KubeObject): Resource<Kind> => RESOURCES[object.kind]!

/** Of an operator in a test, beside its connection. */
export const OPTIONS = {
  image: 'sofakafka:test',
  advertise: 'pod-dns',
  httpHost: '127.0.0.1',
  httpPort: 0,
  hasLeaderElection: true,
  namespace: 'default',
  identity: 'test',
  clocks: { monotonic: monotonicClock, wall: wallClock },
  logger: silentLogger,
} as const

/** The operator on a real API server without nodes; Kafka is a fake, and the pods' readiness is what the test writes. */
export class OperatorLab {
  readonly contacts: FakeContacts
  kube!: KubeClient
  operator!: Operator
  #lab: KubeLab | undefined

  constructor(contacts = new FakeContacts()) {
    this.contacts = contacts
  }

  /** On the real control plane, or on the API server that `startLab` starts. */
  async start(startLab?: () => Promise<KubeLab>): Promise<void> {
    this.#lab = await (startLab ? startLab() : startKubeLab(await freePorts(KUBE_LAB_PORTS)))
    this.kube = this.#lab.client({ fieldManager: 'test' })
    await installKinds(this.kube)
    this.operator = await this.startOperator()
    await this.operator.leading
  }

  get kubeconfig(): string {
    return this.#lab!.kubeconfig
  }

  get connection(): KubeConnection {
    return this.#lab!.connection
  }

  async stop(): Promise<void> {
    await this.operator?.stop()
    await this.#lab?.stop()
  }

  readonly startOperator = (options: Partial<OperatorOptions> = {}): Promise<Operator> =>
    runOperator({
      ...OPTIONS,
      connection: this.#lab!.connection,
      contacts: () => this.contacts,
      ...options,
    })

  /** As an operator that was killed and is back. */
  readonly restartOperator = async (): Promise<void> => {
    await this.operator.stop()
    this.operator = await this.startOperator()
    await this.operator.leading
  }

  readonly put = (object: Kind) => this.kube.patch(resourceOf(object), keyOf(object), 'apply', object)
  readonly read = async <T extends Kind>(object: T): Promise<T> => (await this.kube.get(resourceOf(object), keyOf(object))) as T
  readonly readyOf = async (object: Kind): Promise<Condition | undefined> =>
    conditionOf((await this.read(object))?.status?.conditions, 'Ready')
  readonly becomes = (object: Kind, reason: string) =>
    eventually(async () => (await this.readyOf(object))?.reason === reason && this.read(object), {
      what: `${object.kind} ${object.metadata.name} ${reason}`,
    })
  readonly isGone = (object: Kind) =>
    eventually(async () => (await this.read(object)) === undefined, { timeoutMs: 20_000, what: `${object.kind} gone` })

  /** A Cluster that serves, without its objects: it is paused, so that the operator leaves its status alone. For tests of what points at it. */
  readonly servedCluster = async (name = 'ant', spec: Record<string, unknown> = {}, inNamespace?: string) => {
    const namespace = inNamespace ?? (await makeNamespace(this.kube))
    const group = { name: 'kafka', replicas: 1, storage: { size: '1Gi' } }
    const object = cluster(name, namespace, { brokers: [group], ...spec })
    object.metadata.annotations = { 'sofakafka.io/paused': 'true' }
    await this.put(object)
    const labels = { [CLUSTER_LABEL]: name, 'app.kubernetes.io/managed-by': MANAGER }
    const metadata = { name: `${name}-kafka-0`, namespace, labels }
    const containers = [{ name: 'kafka', image: 'none' }]
    const pod = await this.kube.create(resources.pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } })
    await this.makeReady(pod, 0)
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: new Date().toISOString() }]
    const listeners = [{ name: 'internal', bootstrapServers: `${name}-internal-bootstrap.${namespace}.svc:9092` }]
    const status = { clusterId: 'fake-cluster-id', conditions, listeners }
    await this.kube.patch(clusters, keyOf(object), 'merge', { status }, { subresource: 'status' })
    return { namespace, object, kafka: this.contacts.kafka({ namespace, name }) }
  }

  readonly playNodes = async (namespace: string, count: number): Promise<resources.Pod[]> => {
    const pods = await eventually(async () => {
      const { items } = await this.kube.list(resources.pods, { namespace })
      return items.length === count ? items : undefined
    })
    for (const [index, pod] of pods.entries()) await this.makeReady(pod, index)
    return pods
  }

  readonly makeReady = async (pod: resources.Pod, index: number): Promise<void> => {
    const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True' }))
    const status = { phase: 'Running', podIP: `10.0.0.${index + 1}`, conditions }
    await this.kube.patch(resources.pods, keyOf(pod), 'merge', { status }, { subresource: 'status' })
  }

  /** A Cluster with one ZooKeeper and `brokers` brokers, all of them ready. */
  readonly readyCluster = async (name = 'ant', spec: Record<string, unknown> = {}, brokers = 3) => {
    const namespace = await makeNamespace(this.kube)
    const object = cluster(name, namespace, spec)
    await this.put(object)
    await this.playNodes(namespace, brokers + 1)
    await this.becomes(object, 'Ready')
    return { namespace, object, kafka: this.contacts.kafka({ namespace, name }) }
  }
}
