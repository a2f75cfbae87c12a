import { isOver, isReady, isTerminating, matchesLabels, type Pod, type Service } from '../objects.ts'
import { CLUSTER_DOMAIN, type NameTable } from './name-table.ts'

/** Pods that a service stands for: those that serve, or all with an address where it says publishNotReadyAddresses. */
export const podsOf = (service: Service, pods: readonly Pod[]): Pod[] => {
  const { selector, publishNotReadyAddresses } = service.spec
  if (!selector || Object.keys(selector).length === 0) return []
  return pods.filter(
    (pod) =>
      pod.metadata.namespace === service.metadata.namespace &&
      matchesLabels({ matchLabels: selector }, pod.metadata.labels) &&
      pod.status?.podIP !== undefined &&
      !isOver(pod) &&
      (publishNotReadyAddresses || (isReady(pod) && !isTerminating(pod))),
  )
}

export const isHeadless = (service: Service): boolean => service.spec.clusterIP === 'None'

/** The container port that a service's port leads to, by number or name. */
export const targetPortOf = (port: { port: number; targetPort?: number | string }, pod: Pod): number | undefined => {
  const target = port.targetPort ?? port.port
  const named = pod.spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target)?.containerPort
  const number = named ?? Number(target)
  return Number.isInteger(number) ? number : undefined
}

export type Places = {
  addressOf: (service: Service) => string
  /** Ports of a pod or service on the shared address that differ from their own. */
  portsOf: (object: Pod | Service) => Record<string, number>
}

/** What the cluster's DNS would say: services, and pods with a hostname in their subdomain's headless service. */
export const nameTableOf = (services: readonly Service[], pods: readonly Pod[], places: Places): NameTable => {
  const table: NameTable = { names: {}, ports: {} }
  const add = (name: string, addresses: string[], ports: Record<string, number>): void => {
    table.names[name] = addresses
    if (Object.keys(ports).length > 0) table.ports[name] = ports
  }
  for (const service of services) {
    const { name, namespace } = service.metadata
    const full = `${name}.${namespace}.svc.${CLUSTER_DOMAIN}`
    const members = podsOf(service, pods)
    if (!isHeadless(service)) {
      add(full, [places.addressOf(service)], places.portsOf(service))
      continue
    }
    // On a shared address a headless service's ports are those of one of its pods: a connection goes to one anyway.
    add(full, [...new Set(members.map((pod) => pod.status!.podIP!))], members[0] ? places.portsOf(members[0]) : {})
    for (const pod of members) {
      if (pod.spec.subdomain !== name) continue
      add(`${pod.spec.hostname ?? pod.metadata.name}.${full}`, [pod.status!.podIP!], places.portsOf(pod))
    }
  }
  return table
}
