import type { Cluster } from '../../../api/index.ts'
import { formatProperties } from '../../../base/properties.ts'
import type { ConfigMap, Service } from '../../../kube/resources.ts'
import type { KubeObject } from '../../../kube/types.ts'
import * as names from '../../names.ts'
import type { Inputs } from '../inputs.ts'
import { allListenersOf, isExternal, listenersOf, type Listener } from './listeners.ts'
import { ADDRESSES_FILE } from '../pods/mounts.ts'
import { ownedMeta } from '../pods/pod.ts'
import { port, service } from '../service.ts'

const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name'

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

type More = { annotations?: Record<string, string>; nodePort?: number }

const listenerService = (
  cluster: Cluster,
  listener: Listener,
  { name, selector, more }: { name: string; selector: Record<string, string>; more: More },
): Service => {
  const made = service(cluster, name, 'kafka', {
    ...(isExternal(listener) ? { type: listener.type } : {}),
    ...listener.service,
    selector,
    ports: [{ ...port(`tcp-${listener.name}`, listener.port), ...(more.nodePort ? { nodePort: more.nodePort } : {}) }],
  })
  const labels = { ...made.metadata.labels, [names.LISTENER_LABEL]: listener.name }
  return { ...made, metadata: { ...made.metadata, labels, ...(more.annotations ? { annotations: more.annotations } : {}) } }
}

/** Where clients connect first: one Service per listener, in front of all brokers. */
const bootstrapServices = (cluster: Cluster): Service[] =>
  listenersOf(cluster).map((listener) =>
    listenerService(cluster, listener, {
      name: names.bootstrapService(cluster, listener.name),
      selector: names.kafkaSelector(cluster),
      more: listener.bootstrap,
    }),
  )

type BrokerPlace = { id: number; pod: string }

/** The brokers that there are or shall be, those included that are being drained. */
export const brokersOf = (cluster: Cluster, { staying, removed = [] }: Pick<Inputs, 'staying' | 'removed'>): BrokerPlace[] => {
  const groups = cluster.spec.brokers.map((group) => ({ ...group, replicas: group.replicas + (staying?.get(group.name) ?? 0) }))
  const places = [...groups, ...removed].flatMap(({ name, replicas, firstId = 0 }) =>
    Array.from({ length: replicas }, (_, index) => ({ id: firstId + index, pod: `${names.groupName(cluster, name)}-${firstId + index}` })),
  )
  // A group that waits for a removed one may have its ids.
  return [...new Map(places.map((place) => [place.id, place])).values()]
}

/** A client outside must reach each broker alone: one Service per broker and listener. */
export const brokerServices = (cluster: Cluster, inputs: Inputs): Service[] =>
  listenersOf(cluster)
    .filter(isExternal)
    .flatMap((listener) =>
      brokersOf(cluster, inputs).map(({ id, pod }) =>
        listenerService(cluster, listener, {
          name: names.brokerService(cluster, listener.name, id),
          selector: { ...names.kafkaSelector(cluster), [POD_NAME_LABEL]: pod },
          more: listener.brokers.find((broker) => broker.id === id) ?? {},
        }),
      ),
    )

/** What the brokers advertise outside, for all of them in one file: LISTENER.ID.host and LISTENER.ID.port. */
export const addressesConfig = (cluster: Cluster, { listeners }: Inputs): ConfigMap[] => {
  if (!listenersOf(cluster).some(isExternal)) return []
  const lines = [...(listeners?.addresses ?? [])].flatMap(([listener, brokers]) =>
    brokers.flatMap(({ id, host, port: number }): [string, string][] => [
      ...(host === undefined ? [] : [[`${listener}.${id}.host`, host.includes(':') ? `[${host}]` : host] as [string, string]]),
      [`${listener}.${id}.port`, String(number)],
    ]),
  )
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: ownedMeta(cluster, names.addressesConfig(cluster), 'kafka'),
      data: { [ADDRESSES_FILE]: formatProperties(lines) },
    },
  ]
}

/** Every object by which clients and brokers find brokers. */
export const listenerObjects = (cluster: Cluster, inputs: Inputs): KubeObject[] => [
  brokersService(cluster),
  ...bootstrapServices(cluster),
  ...brokerServices(cluster, inputs),
  ...addressesConfig(cluster, inputs),
]
