import type { Cluster } from '../../api/index.ts'
import * as resources from '../../kube/resources.ts'
import { keyOf, keyText, type KubeObject, type Resource } from '../../kube/types.ts'
import type { Environment } from '../environment.ts'
import { isOfBrokers } from '../names.ts'
import { reconciling } from '../reasons.ts'
import { credentialsOf, newPasswords, readCredentials } from './credentials.ts'
import { desired } from './desired.ts'
import { keepRemoved } from './moves/groups.ts'
import type { Step } from './steps.ts'

const KINDS = [
  resources.services,
  resources.configMaps,
  resources.secrets,
  resources.statefulSets,
  resources.podDisruptionBudgets,
  resources.serviceAccounts,
  resources.networkPolicies,
] as Resource[]

const isSet = (object: KubeObject): object is resources.StatefulSet => object.kind === resources.statefulSets.kind

const hasSettings = (object: KubeObject): boolean => ['ConfigMap', 'StatefulSet'].includes(object.kind) && isOfBrokers(object)

export const render: Step = {
  name: 'render',
  run: async (pass) => {
    pass.objects = desired(pass.cluster, pass.inputs)
    pass.statefulSets = pass.objects.filter(isSet)
    const verdict = keepRemoved(pass)
    if (pass.keepsSettings) pass.objects = pass.objects.filter((object) => !hasSettings(object))
    return verdict && { verdict }
  },
}

/** What pods mount and are found by is there before them. Each object by itself: one that fails does not keep the others from being applied. */
export const apply: Step = {
  name: 'apply',
  run: async (pass) => {
    const { environment, cluster, seen, objects } = pass
    const secret = credentialsOf(cluster, readCredentials(seen.credentials) ?? { passwords: newPasswords() })
    // Created, never overwritten: two passwords of which one is lost would lock everybody out.
    if (!seen.credentials) await environment.kube.create(resources.secrets, secret)
    const first = await applyAll(environment, cluster, [secret, ...objects.filter((object) => !isSet(object))])
    const then = await applyAll(environment, cluster, objects.filter(isSet))
    const failures = [...first, ...then]
    if (failures.length === 0) return undefined
    pass.hold = 'objects could not be applied'
    return { verdict: reconciling('BrokersNotReady', failures.join('; ')) }
  },
}

/** What went wrong, object by object. */
const applyAll = async (environment: Environment, cluster: Cluster, objects: KubeObject[]): Promise<string[]> => {
  const failures = await Promise.all(
    objects.map(async (object) => {
      try {
        await applyOne(environment, cluster, object)
        return []
      } catch (error) {
        const { kind, metadata } = object
        environment.logger.warn({ cluster: keyText(keyOf(cluster)), kind, name: metadata.name, err: error }, 'could not be applied')
        return [`${kind} ${metadata.name}: ${(error as Error).message}`]
      }
    }),
  )
  return failures.flat()
}

const applyOne = async (environment: Environment, cluster: Cluster, object: KubeObject): Promise<void> => {
  const resource = KINDS.find(({ kind }) => kind === object.kind)!
  const { changed, created } = await environment.kube.apply(resource, object)
  if (!changed) return
  const note = `${object.kind} ${object.metadata.name}`
  await environment.events.record(cluster, { type: 'Normal', reason: created ? 'Created' : 'Changed', action: 'Reconcile', note })
}
