import type { Container, EnvVar, FieldRef, Pod, ResourceFieldRef } from '../objects.ts'

/** Values of ConfigMaps and Secrets of the pod's namespace; undefined where the object is absent. Secret values are decoded. */
export type Sources = {
  configMap(name: string): ReadonlyMap<string, Buffer> | undefined
  secret(name: string): ReadonlyMap<string, Buffer> | undefined
}

/** The container cannot be made now: becomes a waiting state with this reason; tried again later. */
export class ContainerConfigError extends Error {
  readonly reason: string
  constructor(message: string, reason = 'CreateContainerConfigError') {
    super(message)
    this.name = 'ContainerConfigError'
    this.reason = reason
  }
}

/** $(NAME) becomes the variable's value, $$(NAME) the text $(NAME); an unknown name stays as it is (Kubernetes' third_party/forked/golang/expansion). */
export const expand = (text: string, values: ReadonlyMap<string, string>): string =>
  text.replace(/\$\$|\$\(([^)]*)\)/g, (all, name: string | undefined) => (name === undefined ? '$' : (values.get(name) ?? all)))

const SIMPLE_FIELDS: Record<string, (pod: Pod) => string | undefined> = {
  'metadata.name': (pod) => pod.metadata.name,
  'metadata.namespace': (pod) => pod.metadata.namespace,
  'metadata.uid': (pod) => pod.metadata.uid,
  'spec.nodeName': (pod) => pod.spec.nodeName,
  'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? 'default',
  'status.podIP': (pod) => pod.status?.podIP,
  'status.podIPs': (pod) => pod.status?.podIPs?.map(({ ip }) => ip).join(','),
  'status.hostIP': (pod) => pod.status?.hostIP,
  'status.hostIPs': (pod) => pod.status?.hostIPs?.map(({ ip }) => ip).join(','),
}

const pairs = (values: Record<string, string> = {}): string =>
  Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n')

/** The downward API's value; an absent label or annotation is the empty string. */
export const fieldValue = (pod: Pod, { fieldPath }: FieldRef): string => {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath)
  if (keyed) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2]!] ?? ''
  if (fieldPath === 'metadata.labels') return pairs(pod.metadata.labels)
  if (fieldPath === 'metadata.annotations') return pairs(pod.metadata.annotations)
  const read = SIMPLE_FIELDS[fieldPath]
  if (!read) throw new ContainerConfigError(`fieldRef: ${fieldPath} is not a field of the downward API`)
  return read(pod) ?? ''
}

const SUFFIXES: Record<string, number> = {
  m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60,
} // prettier-ignore

/** A Kubernetes quantity as a number: 500m is 0.5, 1Gi is 1073741824. Throws on anything else. */
export const quantity = (text: string | number): number => {
  const [, digits, suffix = ''] = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/.exec(String(text)) ?? []
  const value = Number(digits)
  if (digits === undefined || Number.isNaN(value))
    throw new ContainerConfigError(`${text} is not a quantity; write for example 500m or 1Gi`)
  return value * SUFFIXES[suffix]!
}

/** limits.cpu and friends in units of the divisor, rounded up. Where no limit is set, the given capacity of the node stands for it. */
export const resourceValue = (container: Container, ref: ResourceFieldRef, capacity: { cpu: number; memory: number }): string => {
  const [list, name = ''] = ref.resource.split('.', 2) as [string, string?]
  const set = list === 'limits' || list === 'requests' ? container.resources?.[list]?.[name] : undefined
  const fallback = list === 'limits' ? (capacity as Record<string, number>)[name] : 0
  const value = set === undefined ? (fallback ?? 0) : quantity(set)
  const divisor = quantity(ref.divisor && ref.divisor !== '0' ? ref.divisor : '1')
  return String(Math.ceil(value / divisor - 1e-9))
}

const text = (bytes: Buffer): string => bytes.toString('utf8')

const keyOf = (
  kind: 'ConfigMap' | 'Secret',
  values: ReadonlyMap<string, Buffer> | undefined,
  ref: { name: string; key: string; optional?: boolean },
): string | undefined => {
  const value = values?.get(ref.key)
  if (value !== undefined) return text(value)
  if (ref.optional) return undefined
  throw new ContainerConfigError(
    values ? `couldn't find key ${ref.key} in ${kind} ${ref.name}` : `${kind.toLowerCase()} "${ref.name}" not found`,
  )
}

type Surroundings = { pod: Pod; container: Container; sources: Sources; capacity: { cpu: number; memory: number } }

const valueOf = (variable: EnvVar, around: Surroundings): string | undefined => {
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {}
  if (fieldRef) return fieldValue(around.pod, fieldRef)
  if (secretKeyRef) return keyOf('Secret', around.sources.secret(secretKeyRef.name), secretKeyRef)
  if (configMapKeyRef) return keyOf('ConfigMap', around.sources.configMap(configMapKeyRef.name), configMapKeyRef)
  if (!resourceFieldRef) return ''
  const { containerName } = resourceFieldRef
  const container = containerName ? around.pod.spec.containers.find(({ name }) => name === containerName) : around.container
  if (!container) throw new ContainerConfigError(`resourceFieldRef: the pod has no container ${containerName}`)
  return resourceValue(container, resourceFieldRef, around.capacity)
}

const addFrom = (environment: Map<string, string>, { container, sources }: Surroundings): void => {
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef
    if (!ref) continue
    const values = configMapRef ? sources.configMap(ref.name) : sources.secret(ref.name)
    if (!values && !ref.optional) throw new ContainerConfigError(`${configMapRef ? 'configmap' : 'secret'} "${ref.name}" not found`)
    for (const [key, value] of values ?? []) environment.set(`${prefix}${key}`, text(value))
  }
}

/** The container's variables in order; later ones may name earlier ones by $(NAME). Throws ContainerConfigError. */
export const environmentOf = (around: Surroundings, base: Iterable<readonly [string, string]> = []): Map<string, string> => {
  const environment = new Map(base)
  addFrom(environment, around)
  for (const variable of around.container.env ?? []) {
    const value = variable.valueFrom ? valueOf(variable, around) : expand(variable.value ?? '', environment)
    if (value !== undefined) environment.set(variable.name, value)
  }
  return environment
}
