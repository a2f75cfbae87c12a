import type { Cluster } from '../../api/index.ts'
import type { StatefulSet } from '../../kube/resources.ts'
import type { Inputs, Shared } from '../cluster/inputs.ts'
import { advertisedListeners, listenerProperties } from '../cluster/listeners/listeners.ts'
import type { PodParts } from '../cluster/pods/parts.ts'

const VARIABLE = 'SHARED_LISTENER'
const NO_PARTS: PodParts = { args: [], env: [], ports: [], volumes: [], volumeMounts: [] }

/** What a StatefulSet of brokers has of it; undefined: nothing. */
export const sharedOf = (set: StatefulSet): Shared | undefined => {
  const variables = set.spec.template.spec.containers.flatMap(({ env }) => env ?? [])
  const text = variables.find(({ name }) => name === VARIABLE)?.value
  return text === undefined ? undefined : (JSON.parse(text) as Shared)
}

/**
 * What brokers have now. While the spec has a migration they talk by its listener; when it is taken away they first talk by their own, all of them having both,
 * and then the listener goes: a broker is always reached by the listener that the others know. `isSettled`: every pod is as its set wants it.
 */
export const nextShared = (cluster: Cluster, sets: readonly StatefulSet[], isSettled: boolean): Shared | undefined => {
  const { migration } = cluster.spec
  if (migration) return { listener: migration.listener, isInterBroker: true }
  const now = sets.map(sharedOf)
  const known = now.find((shared) => shared !== undefined)
  if (!known) return undefined
  const allTalkByTheirOwn = now.every((shared) => !shared?.isInterBroker)
  return allTalkByTheirOwn && isSettled ? undefined : { ...known, isInterBroker: false }
}

/**
 * In the arguments, not in the file that all pods of a group share: a container that starts again has what its pod was made with. Addresses of pods are advertised,
 * since machines outside resolve no names of pods.
 */
export const migrationParts = (cluster: Cluster, inputs: Inputs): PodParts => {
  const { shared } = inputs
  if (!shared) return NO_PARTS
  const { name, port, securityProtocol } = shared.listener
  const own = new Map(listenerProperties(cluster))
  const settings = [
    ['listeners', `${own.get('listeners')},${name}://0.0.0.0:${port}`],
    ['listener.security.protocol.map', `${own.get('listener.security.protocol.map')},${name}:${securityProtocol}`],
    ['advertised.listeners', `${advertisedListeners(cluster, inputs)},${name}://$(POD_IP):${port}`],
    ['inter.broker.listener.name', shared.isInterBroker ? name : own.get('inter.broker.listener.name')],
  ]
  return {
    ...NO_PARTS,
    args: settings.flatMap(([key, value]) => ['--override', `${key}=${value}`]),
    env: [{ name: VARIABLE, value: JSON.stringify(shared) }],
    ports: [{ name: 'tcp-shared', containerPort: port, protocol: 'TCP' }],
  }
}
