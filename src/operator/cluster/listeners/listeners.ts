import type { Cluster } from '../../../api/index.ts'
import * as names from '../../names.ts'
import type { Inputs } from '../inputs.ts'
import type { PodParts } from '../pods/parts.ts'
import {
  ADDRESSES_FILE,
  ADDRESSES_MOUNT,
  CERTIFICATES_MOUNT,
  CLIENTS_CA_FILE,
  CLUSTER_CA_FILE,
  LOGIN_FILE,
  LOGIN_MOUNT,
} from '../pods/mounts.ts'

type Spec = NonNullable<Cluster['spec']['listeners']>[number]
export type Listener = {
  name: string
  port: number
  /** Of SCRAM; empty where clients show certificates instead. */
  mechanisms: string[]
  type: NonNullable<Spec['type']>
  hasTls: boolean
  /** Clients show a certificate of the clients' authority. */
  hasClientCertificates: boolean
  /** The user's own Secret with the certificate. */
  secretName: string | undefined
  /** What all of its Services have. */
  service: NonNullable<Spec['service']>
  bootstrap: NonNullable<Spec['bootstrap']>
  brokers: NonNullable<Spec['brokers']>
}

/** The listener among brokers. */
export const REPLICATION = 'replication'
const INTERNAL = {
  type: 'Internal',
  hasTls: false,
  hasClientCertificates: false,
  secretName: undefined,
  service: {},
  bootstrap: {},
  brokers: [],
} as const
const plain = (name: string, port: number): Listener => ({ ...INTERNAL, brokers: [], name, port, mechanisms: ['SCRAM-SHA-512'] })

const listenerOf = ({ name, port, type, tls, authentication, service, bootstrap, brokers }: Spec): Listener => {
  const hasClientCertificates = authentication?.type === 'TLS'
  return {
    name,
    port,
    mechanisms: hasClientCertificates ? [] : (authentication?.mechanisms ?? ['SCRAM-SHA-512']),
    type: type ?? 'Internal',
    hasTls: tls?.enabled ?? false,
    hasClientCertificates,
    secretName: tls?.secretRef?.name,
    service: service ?? {},
    bootstrap: bootstrap ?? {},
    brokers: brokers ?? [],
  }
}

/** What spec.listeners says, with what it leaves out. */
export const listenersOf = (cluster: Cluster): Listener[] => cluster.spec.listeners?.map(listenerOf) ?? [plain('internal', 9092)]

export const isInterBrokerTls = ({ spec }: Cluster): boolean => spec.interBroker?.tls?.enabled ?? false
const replicationOf = (cluster: Cluster): Listener => ({ ...plain(REPLICATION, names.REPLICATION_PORT), hasTls: isInterBrokerTls(cluster) })

/** With the one among brokers, under the names that Kafka's properties have. */
export const allListenersOf = (cluster: Cluster): Listener[] => [replicationOf(cluster), ...listenersOf(cluster)]

export const isExternal = ({ type }: Pick<Listener, 'type'>): boolean => type !== 'Internal'
/** Clients are told the address of the node on which the broker runs: only its pod knows which that is. */
export const isOnNodes = ({ type, brokers }: Pick<Listener, 'type' | 'brokers'>): boolean =>
  type === 'NodePort' && !brokers.some(({ host }) => host !== undefined)

export const protocolOf = ({ hasTls, hasClientCertificates }: Listener): string => {
  if (hasClientCertificates) return 'SSL'
  return hasTls ? 'SASL_SSL' : 'SASL_PLAINTEXT'
}

/** A client certificate's principal is its common name: a User is called the same whatever it logs in with. */
const PRINCIPAL_RULES = 'RULE:^CN=([^,]+)$/$1/,DEFAULT'

/** Names are not compared: the authority signs for the brokers of this Cluster alone, and they all show the same certificate. */
const trustAmongBrokers = (key: (rest: string) => string): [string, string][] => [
  [key('endpoint.identification.algorithm'), ''],
  [key('truststore.type'), 'PEM'],
  [key('truststore.location'), `${CERTIFICATES_MOUNT}/${CLUSTER_CA_FILE}`],
]

const tlsProperties = (listener: Listener): [string, string][] => {
  const { name, hasTls, hasClientCertificates } = listener
  if (!hasTls) return []
  const key = (rest: string) => `listener.name.${name}.ssl.${rest}`
  const keys: [string, string][] = [
    [key('keystore.type'), 'PEM'],
    [key('keystore.location'), `${CERTIFICATES_MOUNT}/${name}.pem`],
  ]
  if (name === REPLICATION) return [...keys, ...trustAmongBrokers(key)]
  if (!hasClientCertificates) return keys
  return [
    ...keys,
    [key('client.auth'), 'required'],
    [key('truststore.type'), 'PEM'],
    [key('truststore.location'), `${CERTIFICATES_MOUNT}/${CLIENTS_CA_FILE}`],
    [key('principal.mapping.rules'), PRINCIPAL_RULES],
  ]
}

/** The lines of server.properties about listeners. */
export const listenerProperties = (cluster: Cluster): [string, string][] => {
  const listeners = allListenersOf(cluster)
  const each = (text: (listener: Listener) => string) => listeners.map(text).join(',')
  const login =
    `org.apache.kafka.common.security.scram.ScramLoginModule required username="${names.BROKER_USER}" ` +
    `password="\${file:${LOGIN_MOUNT}/${LOGIN_FILE}:password}";`
  return [
    ['listeners', each(({ name, port }) => `${name.toUpperCase()}://0.0.0.0:${port}`)],
    ['listener.security.protocol.map', each((listener) => `${listener.name.toUpperCase()}:${protocolOf(listener)}`)],
    ['inter.broker.listener.name', 'REPLICATION'],
    ['sasl.mechanism.inter.broker.protocol', 'SCRAM-SHA-512'],
    ['sasl.enabled.mechanisms', 'SCRAM-SHA-512'],
    ...listeners
      .filter(({ mechanisms }) => mechanisms.length > 0)
      .map(({ name, mechanisms }): [string, string] => [`listener.name.${name}.sasl.enabled.mechanisms`, mechanisms.join(',')]),
    ...listeners.flatMap(tlsProperties),
    ['listener.name.replication.scram-sha-512.sasl.jaas.config', login],
    ['sofakafka.inter.broker.password.file', `${LOGIN_MOUNT}/${LOGIN_FILE}`],
  ]
}

/** A key of the file with the addresses; the kubelet fills in the broker's id. */
const fromFile = (listener: string, key: 'host' | 'port'): string =>
  `\${file:${ADDRESSES_MOUNT}/${ADDRESSES_FILE}:${listener}.$(BROKER_ID).${key}}`

/** The value of advertised.listeners in the container's arguments; $(POD_NAME), $(POD_IP), $(HOST_IP) and $(BROKER_ID) are filled in by the kubelet. */
export const advertisedListeners = (cluster: Cluster, { advertise }: Inputs): string => {
  const inside = advertise === 'pod-ip' ? '$(POD_IP)' : `$(POD_NAME).${names.brokersService(cluster)}.${names.namespaceOf(cluster)}.svc`
  return allListenersOf(cluster)
    .map((listener) => {
      const { name, port } = listener
      if (!isExternal(listener)) return `${name.toUpperCase()}://${inside}:${port}`
      const host = isOnNodes(listener) ? '$(HOST_IP)' : fromFile(name, 'host')
      return `${name.toUpperCase()}://${host}:${fromFile(name, 'port')}`
    })
    .join(',')
}

/** What a broker's pod has for its listeners. */
export const listenerParts = (cluster: Cluster, inputs: Inputs): PodParts => {
  const listeners = allListenersOf(cluster)
  const certificates = listeners.some(({ hasTls }) => hasTls)
    ? [
        {
          name: 'certificates',
          mountPath: CERTIFICATES_MOUNT,
          source: { secret: { secretName: names.certificatesSecret(cluster), defaultMode: 0o440 } },
        },
      ]
    : []
  const addresses = listeners.some(isExternal)
    ? [{ name: 'addresses', mountPath: ADDRESSES_MOUNT, source: { configMap: { name: names.addressesConfig(cluster) } } }]
    : []
  const mounts = [...certificates, ...addresses]
  return {
    args: ['--override', `advertised.listeners=${advertisedListeners(cluster, inputs)}`],
    env: listeners.some(isOnNodes) ? [{ name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }] : [],
    ports: listeners.map(({ name, port }) => ({ name: `tcp-${name}`, containerPort: port, protocol: 'TCP' })),
    volumes: mounts.map(({ name, source }) => ({ name, ...source })),
    volumeMounts: mounts.map(({ name, mountPath }) => ({ name, mountPath, readOnly: true })),
  }
}

/**
 * For which a broker must be restarted when it changes: what the user asked for, never how this operator renders it. Certificates are read again by brokers that run; other
 * addresses restart only the brokers that have them.
 */
export const listenersRestartOn = (cluster: Cluster, { advertise }: Inputs): unknown => ({
  listeners: listenersOf(cluster).map((listener) => ({
    name: listener.name,
    port: listener.port,
    mechanisms: listener.mechanisms,
    type: isExternal(listener) ? listener.type : undefined,
    hasTls: listener.hasTls || undefined,
    isOnNodes: isOnNodes(listener) || undefined,
  })),
  advertise,
})
