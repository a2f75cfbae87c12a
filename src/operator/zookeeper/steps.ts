import type { Cluster } from '../../api/index.ts'
import * as resources from '../../kube/resources.ts'
import type { SecretData } from '../../kube/secret-data.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import type { ZooKeeperFacts } from '../cluster/inputs.ts'
import { addressOf, idOf, isReady, isZooKeeper } from '../cluster/pods/broker-pods.ts'
import type { Finding, Pass, Step } from '../cluster/steps.ts'
import { isSettled } from '../migration/step.ts'
import * as names from '../names.ts'
import { reconciling, stalled } from '../reasons.ts'
import { ensembleOf, memberLine } from './apache.ts'
import { markMembers, markedMembers } from './claims.ts'
import type { ServerPlace } from './ensembles.ts'
import { externalLogin, loginIn, newLogin } from './login.ts'
import { planOf, type Change, type Plan } from './membership.ts'
import { isApache, isExternal } from './place.ts'
import { clientPortOf, hasServerTls } from './server-tls.ts'
import { readTls } from './tls.ts'
import type { ZooKeeperTls } from './server-tls.ts'
import { nextSecurity, securityOf } from './security.ts'

/** Finds out what ZooKeeper's objects depend on. Nothing is rendered without it. */
export const zooKeeperFacts: Step = {
  name: 'ZooKeeper',
  isVital: true,
  run: async (pass) => {
    const { cluster, seen } = pass
    const brokers = seen.statefulSets.filter((set) => !isZooKeeperSet(set))
    const security = nextSecurity(cluster, brokers, isSettled(pass, brokers))
    const login = security !== 'none' || isApache(cluster) ? await loginOf(pass) : undefined
    if (login && !('data' in login)) return login
    const tls = await readTls(pass.environment.kube, cluster)
    if (tls === 'missing') return noTls(cluster)
    const facts: ZooKeeperFacts = { security, ...(tls?.key ? { hasTlsKey: true } : {}), ...(login ? { login: login.data } : {}) }
    pass.inputs.zookeeper = facts
    if (!isApache(cluster)) return undefined
    const servers = placesOf(pass, tls)
    const plan = await planEnsemble(pass, servers)
    facts.ensemble = { replicas: plan.replicas, members: plan.members }
    pass.zooKeeper = { servers, leader: plan.leader, ...(plan.change ? { change: plan.change } : {}) }
    if (plan.waiting !== undefined) return changing(plan.waiting)
    return plan.change && changing(textOfChange(plan.change))
  },
}

/** Makes the change that is written down: in the StatefulSet, as a look at it says, and on the claims. */
export const zooKeeperMembers: Step = {
  name: 'members of ZooKeeper',
  run: async (pass) => {
    const { environment, cluster, inputs } = pass
    const change = pass.zooKeeper?.change
    const data = inputs.zookeeper?.login
    if (!change || !data || !isWrittenDown(pass, change)) return undefined
    pass.hold = 'the members of ZooKeeper change'
    try {
      await environment.ensembles.reconfigure(pass.zooKeeper!.servers, loginIn({ data }), wireOf(cluster, change))
    } catch (error) {
      if (!isZooKeeperError(error, 'NEW_CONFIG_NO_QUORUM', 'RECONFIG_IN_PROGRESS', 'CONNECTION_LOSS', 'SESSION_EXPIRED')) throw error
      return changing(`${textOfChange(change)} when enough servers follow the leader (${error.error})`)
    }
    const note = `ZooKeeper: ${'add' in change ? `server ${change.add} is a member now` : `server ${change.remove} is no member any more`}`
    await environment.events.record(cluster, { type: 'Normal', reason: 'Changed', action: 'Reconfigure', note })
    return undefined
  },
}

/** What was written before brokers kept it to themselves is closed when none of them needs it open any more. */
export const zooKeeperProtection: Step = {
  name: 'ACLs in ZooKeeper',
  run: async ({ environment, cluster, seen, inputs, kafka }) => {
    const brokers = seen.pods.filter((pod) => !isZooKeeper(pod))
    const isSafe = inputs.zookeeper?.security === 'acl' && brokers.every((pod) => securityOf(pod) === 'acl')
    if (!kafka.contact || !isSafe || isExternal(cluster)) return undefined
    const changed = await kafka.contact.protectZnodes()
    if (changed === 0) return undefined
    const note = `ZooKeeper: ${changed} znodes are for the brokers' login alone now`
    await environment.events.record(cluster, { type: 'Normal', reason: 'Changed', action: 'Protect', note })
    return undefined
  },
}

const changing = (what: string): Finding => ({ verdict: reconciling('ZooKeeperChanging', `ZooKeeper: ${what}`), requeueAfterMs: AGAIN_MS })
const AGAIN_MS = 500
const textOfChange = (change: Change): string => ('add' in change ? `server ${change.add} joins` : `server ${change.remove} leaves`)
const wireOf = (cluster: Cluster, change: Change) =>
  'add' in change ? { joining: [memberLine(cluster, change.add)] } : { leaving: [change.remove] }

const isZooKeeperSet = (set: resources.StatefulSet): boolean => set.spec.selector.matchLabels[names.GROUP_LABEL] === names.ZOOKEEPER_GROUP

const noTls = (cluster: Cluster): Finding => {
  if (hasServerTls(cluster)) return { verdict: reconciling('ZooKeeperNotReady', 'ZooKeeper waits for its certificates') }
  const name = cluster.spec.zookeeper.external?.tls?.secretRef.name
  return { verdict: stalled('SecretNotFound', `zookeeper.external.tls: the Secret ${name} must be there and have the key ca.crt`) }
}

const isWrittenDown = ({ seen }: Pass, change: Change): boolean => {
  if ('remove' in change) return true
  const set = seen.statefulSets.find(isZooKeeperSet)
  return set !== undefined && ensembleOf(set).members.includes(change.add)
}

/** The logins: made once and kept, or what the user's Secret says. */
const loginOf = async ({ environment, cluster }: Pass): Promise<{ data: SecretData } | Finding> => {
  const namespace = names.namespaceOf(cluster)
  const name = names.zooKeeperLoginSecret(cluster)
  const made = await environment.kube.get(resources.secrets, { namespace, name })
  const labels = made?.metadata.labels
  if (made && (labels?.['app.kubernetes.io/managed-by'] !== names.MANAGER || labels[names.CLUSTER_LABEL] !== cluster.metadata.name)) {
    const message = `the Secret ${name} is not one that the operator made for this Cluster: rename or delete it`
    return { verdict: stalled('SecretConflict', message) }
  }
  const reference = cluster.spec.zookeeper.external?.authentication?.secretRef.name
  if (reference === undefined) return { data: made?.data ?? newLogin() }
  const secret = await environment.kube.get(resources.secrets, { namespace, name: reference })
  const login = loginIn(secret)
  if (login.username && login.password) return { data: externalLogin(login) }
  const message = `zookeeper.external.authentication: the Secret ${reference} must be there and have the keys username and password`
  return { verdict: stalled('SecretNotFound', message) }
}

const placesOf = ({ cluster, seen }: Pass, tls: ZooKeeperTls | undefined): ServerPlace[] =>
  seen.pods.filter(isZooKeeper).flatMap((pod) => {
    const address = addressOf(pod, clientPortOf(cluster))
    return address && !pod.metadata.deletionTimestamp ? [{ id: idOf(pod) + 1, address, ...(tls ? { tls } : {}) }] : []
  })

const planEnsemble = async (pass: Pass, servers: readonly ServerPlace[]): Promise<Plan & { leader: number | undefined }> => {
  const { environment, cluster, seen } = pass
  const set = seen.statefulSets.find(isZooKeeperSet)
  const claims = await markedMembers(environment.kube, cluster)
  const { leader, members } = set ? await environment.ensembles.look(servers) : {}
  const ready = new Set(seen.pods.filter((pod) => isZooKeeper(pod) && isReady(pod)).map((pod) => idOf(pod) + 1))
  const { replicas: wanted } = cluster.spec.zookeeper
  const running = set && ensembleOf(set)
  const plan = planOf({ wanted, running, volumes: claims.members, members, ready })
  await markMembers(environment.kube, claims, plan.members)
  return { ...plan, leader }
}
