import type { Cluster } from '../../api/index.ts'
import type { Container, EnvVar, PodSpec, Service } from '../../kube/resources.ts'
import type { KubeObject } from '../../kube/types.ts'
import * as names from '../names.ts'
import type { Inputs } from './inputs.ts'
import { LOGIN_FILE, LOGIN_MOUNT } from './mounts.ts'
import { port, service } from './service.ts'

export type Listener = { name: string; port: number; mechanisms: string[] }
/** What rendering must know of listeners beside the spec, e.g. addresses that a load balancer was given. */
export type ListenerFacts = Record<string, never>

const DEFAULT_LISTENERS: Listener[] = [{ name: 'internal', port: 9092, mechanisms: ['SCRAM-SHA-512'] }]

/** What spec.listeners says, with what it leaves out. */
export const listenersOf = (cluster: Cluster): Listener[] =>
  cluster.spec.listeners?.map(({ name, port, authentication }) => ({
    name,
    port,
    mechanisms: authentication?.mechanisms ?? ['SCRAM-SHA-512'],
  })) ?? DEFAULT_LISTENERS

/** With the one among brokers, under the names that Kafka's properties have. */
export const allListenersOf = (cluster: Cluster): Listener[] => [
  { name: 'replication', port: names.REPLICATION_PORT, mechanisms: ['SCRAM-SHA-512'] },
  ...listenersOf(cluster),
]

/** The lines of server.properties about listeners. */
export const listenerProperties = (cluster: Cluster): [string, string][] => {
  const listeners = allListenersOf(cluster)
  const each = (text: (listener: Listener) => string) => listeners.map(text).join(',')
  const login =
    `org.apache.kafka.common.security.scram.ScramLoginModule required username="${names.BROKER_USER}" ` +
    `password="\${file:${LOGIN_MOUNT}/${LOGIN_FILE}:password}";`
  return [
    ['listeners', each(({ name, port }) => `${name.toUpperCase()}://0.0.0.0:${port}`)],
    ['listener.security.protocol.map', each(({ name }) => `${name.toUpperCase()}:SASL_PLAINTEXT`)],
    ['inter.broker.listener.name', 'REPLICATION'],
    ['sasl.mechanism.inter.broker.protocol', 'SCRAM-SHA-512'],
    ['sasl.enabled.mechanisms', 'SCRAM-SHA-512'],
    ...listeners.map(({ name, mechanisms }): [string, string] => [`listener.name.${name}.sasl.enabled.mechanisms`, mechanisms.join(',')]),
    ['listener.name.replication.scram-sha-512.sasl.jaas.config', login],
  ]
}

/** Headless, with pods that are not ready too: brokers find one another before they serve. */
export const brokersService = (cluster: Cluster): Service =>
  service(cluster, names.brokersService(cluster), 'kafka', {
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector: names.kafkaSelector(cluster),
    ports: [
      ...allListenersOf(cluster).map((listener) => port(`tcp-${listener.name}`, listener.port)),
      port('tcp-prometheus', names.METRICS_PORT),
    ],
  })

export const bootstrapServices = (cluster: Cluster): Service[] =>
  listenersOf(cluster).map((listener) =>
    service(cluster, names.bootstrapService(cluster, listener.name), 'kafka', {
      selector: names.kafkaSelector(cluster),
      ports: [port(`tcp-${listener.name}`, listener.port)],
    }),
  )

/** Every object by which clients and brokers find brokers. */
export const listenerObjects = (cluster: Cluster, _inputs: Inputs): KubeObject[] => [brokersService(cluster), ...bootstrapServices(cluster)]

/** The value of advertised.listeners in the container's arguments; $(POD_NAME), $(POD_IP) and $(BROKER_ID) are filled in by the kubelet. */
export const advertisedListeners = (cluster: Cluster, { advertise }: Inputs): string => {
  const host = advertise === 'pod-ip' ? '$(POD_IP)' : `$(POD_NAME).${names.brokersService(cluster)}.${names.namespaceOf(cluster)}.svc`
  return allListenersOf(cluster)
    .map(({ name, port }) => `${name.toUpperCase()}://${host}:${port}`)
    .join(',')
}

/** What a broker's pod has for its listeners. */
export type PodParts = {
  args: string[]
  env: EnvVar[]
  ports: NonNullable<Container['ports']>
  volumes: NonNullable<PodSpec['volumes']>
  volumeMounts: NonNullable<Container['volumeMounts']>
}

export const listenerParts = (cluster: Cluster, inputs: Inputs): PodParts => ({
  args: ['--override', `advertised.listeners=${advertisedListeners(cluster, inputs)}`],
  env: [],
  ports: allListenersOf(cluster).map(({ name, port }) => ({ name: `tcp-${name}`, containerPort: port, protocol: 'TCP' })),
  volumes: [],
  volumeMounts: [],
})

/** For which a broker must be restarted when it changes: what the user asked for, never how this operator renders it. */
export const listenersRestartOn = (cluster: Cluster, { advertise }: Inputs): unknown => ({ listeners: listenersOf(cluster), advertise })
