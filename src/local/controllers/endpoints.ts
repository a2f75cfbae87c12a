import { canonical } from '../../kube/difference.ts'
import { isKubeError } from '../../kube/error.ts'
import { ownerReference } from '../../kube/resources.ts'
import { keyOf, type Key, type Kube, type KubeObject, type Resource, type Result } from '../../kube/types.ts'
import {
  endpoints,
  endpointSlices,
  isOver,
  isReady,
  isTerminating,
  matchesLabels,
  pods,
  services,
  type Endpoints,
  type EndpointSlice,
  type Pod,
  type Service,
} from '../objects.ts'
import { DONE, makeController, watch, type Around, type Controller } from './controller.ts'

type Port = { name?: string; port: number; protocol: string }

const portsOf = (service: Service, pod: Pod): Port[] =>
  (service.spec.ports ?? []).flatMap(({ name, port, targetPort = port, protocol = 'TCP' }) => {
    const named = pod.spec.containers.flatMap(({ ports = [] }) => ports).find((each) => each.name === targetPort)?.containerPort
    const number = named ?? Number(targetPort)
    return Number.isInteger(number) ? [{ ...(name ? { name } : {}), port: number, protocol }] : []
  })

const targetRef = ({ metadata }: Pod) => ({ kind: 'Pod', name: metadata.name, namespace: metadata.namespace, uid: metadata.uid })

/** Pods with an address that the service selects; those that serve, and the others. */
const split = (service: Service, all: readonly Pod[]): { ready: Pod[]; notReady: Pod[] } => {
  const { selector = {}, publishNotReadyAddresses = false } = service.spec
  const members = all.filter((pod) => matchesLabels({ matchLabels: selector }, pod.metadata.labels) && pod.status?.podIP && !isOver(pod))
  const serves = (pod: Pod) => publishNotReadyAddresses || (isReady(pod) && !isTerminating(pod))
  return { ready: members.filter(serves), notReady: members.filter((pod) => !serves(pod) && !isTerminating(pod)) }
}

export const endpointsOf = (service: Service, all: readonly Pod[]): Endpoints => {
  const { ready, notReady } = split(service, all)
  const address = (pod: Pod) => ({
    ip: pod.status!.podIP!,
    ...(pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? { hostname: pod.spec.hostname } : {}),
    nodeName: pod.spec.nodeName ?? '',
    targetRef: targetRef(pod),
  })
  const one = ready[0] ?? notReady[0]
  const subset = {
    ...(ready.length > 0 ? { addresses: ready.map(address) } : {}),
    ...(notReady.length > 0 ? { notReadyAddresses: notReady.map(address) } : {}),
    ports: one ? portsOf(service, one) : [],
  }
  const { name, namespace = '', labels } = service.metadata
  return { apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace, ...(labels ? { labels } : {}) }, subsets: one ? [subset] : [] }
}

const endpointSliceOf = (service: Service, all: readonly Pod[]): EndpointSlice => {
  const { ready, notReady } = split(service, all)
  const endpoint = (pod: Pod) => ({
    addresses: [pod.status!.podIP!],
    conditions: { ready: ready.includes(pod), serving: isReady(pod), terminating: isTerminating(pod) },
    ...(pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? { hostname: pod.spec.hostname } : {}),
    nodeName: pod.spec.nodeName,
    targetRef: targetRef(pod),
  })
  const one = ready[0] ?? notReady[0]
  const { name, namespace = '', labels = {} } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-local`,
      namespace,
      labels: {
        ...labels,
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      ownerReferences: [ownerReference({ ...service, apiVersion: 'v1', kind: 'Service' })],
    },
    addressType: 'IPv4',
    endpoints: [...ready, ...notReady].map(endpoint),
    ports: one ? portsOf(service, one).map((port) => ({ name: '', ...port })) : [],
  }
}

/** Creates or replaces when what we want differs from what is there. */
const put = async <T extends KubeObject>(kube: Kube, resource: Resource<T>, wanted: T, part: (object: T) => unknown): Promise<void> => {
  const live = await kube.get(resource, keyOf(wanted))
  if (live && canonical(part(live)) === canonical(part(wanted))) return
  if (!live) await kube.create(resource, wanted)
  else await kube.update(resource, { ...wanted, metadata: { ...wanted.metadata, resourceVersion: live.metadata.resourceVersion } })
}

const sync = async (kube: Kube, key: Key): Promise<Result> => {
  const service = await kube.get(services, key)
  if (!service) {
    await kube.delete(endpoints, key)
    return DONE
  }
  if (isTerminating(service) || Object.keys(service.spec.selector ?? {}).length === 0) return DONE
  const { items } = await kube.list(pods, { namespace: key.namespace })
  try {
    await put(kube, endpoints, endpointsOf(service, items), ({ subsets }) => subsets ?? [])
    await put(kube, endpointSlices, endpointSliceOf(service, items), (slice) => ({ endpoints: slice.endpoints, ports: slice.ports }))
  } catch (error) {
    if (isKubeError(error, 409)) return { requeueAfterMs: 50 }
    throw error
  }
  return DONE
}

export const endpointsController = (around: Around): Controller => {
  const cache = around.informers.of(services)
  const ofPod = (pod: Pod): Key[] =>
    cache
      .list()
      .filter(({ metadata, spec }) => {
        const selector = spec.selector ?? {}
        const isMatch = Object.keys(selector).length > 0 && matchesLabels({ matchLabels: selector }, pod.metadata.labels)
        return metadata.namespace === pod.metadata.namespace && isMatch
      })
      .map(keyOf)
  return makeController(around, {
    name: 'endpoints',
    watches: [watch(services), watch(pods, ofPod)],
    work: (key) => sync(around.kube, key),
  })
}
