import type { Cluster } from '../../../api/index.ts'
import { services } from '../../../kube/resources.ts'
import { keyOf } from '../../../kube/types.ts'
import type { Environment } from '../../environment.ts'
import { groupName, LISTENER_LABEL } from '../../names.ts'
import { reconciling } from '../../reasons.ts'
import { endpointsOf, externalAddresses } from './addresses.ts'
import { isExternal, listenersOf } from './listeners.ts'
import { idOf, isReady, isZooKeeper } from '../pods/broker-pods.ts'
import type { Step } from '../steps.ts'

/** Finds out what clients outside are told. A load balancer gets its address when it pleases; the Service's change brings the next look. */
export const addresses: Step = {
  name: 'addresses',
  run: async ({ environment, cluster, seen, inputs }) => {
    const found = externalAddresses({ cluster, services: environment.store.servicesOf(keyOf(cluster)), pods: seen.pods }, inputs)
    inputs.listeners = { addresses: found.addresses, bootstrap: found.bootstrap, authorities: new Map(), waitsFor: [...found.missing] }
    await tellBootstrap(environment, cluster, found.bootstrap)
    const { missing } = found
    if (missing.length === 0) return undefined
    const more = missing.length > 3 ? ` and ${missing.length - 3} more` : ''
    return { verdict: reconciling('AddressPending', `waiting for ${missing.slice(0, 3).join(', ')}${more}`) }
  },
}

/** An event for each address outside that is new. */
const tellBootstrap = async (environment: Environment, cluster: Cluster, bootstrap: ReadonlyMap<string, string>): Promise<void> => {
  for (const [listener, servers] of bootstrap) {
    if (cluster.status?.listeners?.some(({ name, bootstrapServers }) => name === listener && bootstrapServers === servers)) continue
    const note = `listener ${listener}: clients outside connect to ${servers}`
    await environment.events.record(cluster, { type: 'Normal', reason: 'Changed', action: 'Reconcile', note })
  }
}

/** While something is missing that a broker starts with, what runs stays as it is: a pod that came back in between would not come up. */
export const holdBack: Step = {
  name: 'hold back',
  run: async (pass) => {
    const waitsFor = pass.inputs.listeners?.waitsFor ?? []
    if (waitsFor.length === 0) return undefined
    const groups = new Set(pass.cluster.spec.brokers.map(({ name }) => groupName(pass.cluster, name)))
    const isHeld = ({ kind, metadata }: { kind: string; metadata: { name: string } }): boolean =>
      (kind === 'StatefulSet' || kind === 'ConfigMap') && groups.has(metadata.name)
    pass.objects = pass.objects.filter((object) => !isHeld(object))
    pass.statefulSets = [...pass.statefulSets.filter((set) => !isHeld(set)), ...pass.seen.statefulSets.filter(isHeld)]
    pass.hold = `waiting for ${waitsFor[0]}`
    return undefined
  },
}

/** The Services of listeners and brokers that are no more. */
export const removeServices: Step = {
  name: 'remove services',
  run: async ({ environment, cluster, objects }) => {
    const wanted = new Set(objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name))
    for (const { metadata } of environment.store.servicesOf(keyOf(cluster))) {
      const isMine = metadata.ownerReferences?.some(({ uid }) => uid === cluster.metadata.uid)
      if (metadata.labels?.[LISTENER_LABEL] === undefined || wanted.has(metadata.name) || !isMine) continue
      const isDeleted = await environment.kube.delete(services, keyOf({ metadata }), { preconditions: { uid: metadata.uid } })
      if (!isDeleted) continue
      const note = `Service ${metadata.name}: its listener or its broker is no more`
      await environment.events.record(cluster, { type: 'Normal', reason: 'Deleted', action: 'Reconcile', note })
    }
    return undefined
  },
}

/**
 * Brokers that tell clients something else than they should are restarted, one at a time as in every roll. What they tell is read from where they registered, so neither an
 * operator that was away nor one that is new restarts a broker for nothing.
 */
export const readdress: Step = {
  name: 'addresses of brokers',
  run: async ({ cluster, seen, inputs, kafka, restarts }) => {
    const wanted = inputs.listeners?.addresses
    if (!wanted || !kafka.contact || !listenersOf(cluster).some(isExternal)) return undefined
    const registered = await kafka.contact.endpoints()
    for (const pod of seen.pods.filter((one) => !isZooKeeper(one) && isReady(one))) {
      const told = registered.get(idOf(pod))
      const hostIp = pod.status?.['hostIP'] as string | undefined
      const missing = told && endpointsOf(wanted, idOf(pod), hostIp).find((endpoint) => !told.includes(endpoint))
      if (missing) restarts.set(pod.metadata.name, `clients outside are to be told ${missing}`)
    }
    return undefined
  },
}
