/**
 * What a cluster's DNS would answer, as a file: full names to addresses, and on a shared address also the ports behind a name.
 * Written by the kubelet, read by the preload module of each pod's process.
 */
export type NameTable = {
  /** `pod.service.namespace.svc.cluster.local` -> addresses. */
  names: Record<string, string[]>
  /** Full name -> port as the pod or service has it -> port on the shared address. */
  ports: Record<string, Record<string, number>>
}

export const CLUSTER_DOMAIN = 'cluster.local'

export const formatTable = (table: NameTable): string => JSON.stringify({ version: 1, ...table })

export const parseTable = (text: string): NameTable => {
  const { names = {}, ports = {} } = JSON.parse(text) as Partial<NameTable>
  return { names, ports }
}

/** The full names that a resolver with a pod's search list would try. */
const candidates = (name: string, namespace: string): string[] => {
  const bare = name.toLowerCase().replace(/\.$/, '')
  return [bare, `${bare}.${namespace}.svc.${CLUSTER_DOMAIN}`, `${bare}.svc.${CLUSTER_DOMAIN}`, `${bare}.${CLUSTER_DOMAIN}`]
}

const fullName = (table: NameTable, name: string, namespace: string): string | undefined =>
  candidates(name, namespace).find((candidate) => Object.hasOwn(table.names, candidate))

/** undefined: not a name of the cluster, ask the system; empty: a name of the cluster that has no address now. */
export const addressesOf = (table: NameTable, name: string, namespace: string): string[] | undefined => {
  const full = fullName(table, name, namespace)
  if (full !== undefined) return table.names[full]
  return /\.svc(\.cluster\.local)?\.?$/i.test(name) ? [] : undefined
}

export const portOf = (table: NameTable, name: string, port: number, namespace: string): number => {
  const full = fullName(table, name, namespace)
  return (full !== undefined && table.ports[full]?.[port]) || port
}
