import type { Cluster } from '../../api/index.ts'
import type { PodSpec, StatefulSet } from '../../kube/resources.ts'
import { CLIENT_JAAS, LOGIN_DIRECTORY } from './login.ts'

/** How far brokers are on their way: none of them logs in; all do; all do and keep what they write to themselves. */
export type Security = 'none' | 'login' | 'acl'

const LOGIN_ARGUMENT = `java.security.auth.login.config=${LOGIN_DIRECTORY}/${CLIENT_JAAS}`
const ACL_ARGUMENT = 'zookeeper.set.acl=true'
const ORDER: readonly Security[] = ['none', 'login', 'acl']

/** What a broker is told, in its arguments: a pod has always the settings for which it has the files. */
export const securityArguments = (security: Security): string[] => {
  if (security === 'none') return []
  return ['--override', LOGIN_ARGUMENT, ...(security === 'acl' ? ['--override', ACL_ARGUMENT] : [])]
}

/** What a pod of a broker was told. */
export const securityOf = ({ spec }: { spec: PodSpec }): Security => {
  const args = spec.containers.flatMap((container) => container.args ?? [])
  if (args.includes(ACL_ARGUMENT)) return 'acl'
  return args.includes(LOGIN_ARGUMENT) ? 'login' : 'none'
}

/** Where the spec wants to be; undefined: where it is, or the safest for a Cluster that is new. */
const aimOf = ({ spec: { zookeeper } }: Cluster): Security | undefined => {
  const { external, authentication } = zookeeper
  if (external) {
    if (!external.authentication) return 'none'
    return external.setAcl ? 'acl' : 'login'
  }
  return authentication && (authentication.type === 'None' ? 'none' : 'acl')
}

/**
 * The next step. `sets` are those of brokers. A znode that one broker keeps to the login can be written by no broker that does not log in, so all log in
 * before the first keeps anything: `isSettled` says that every pod is as its set wants it. One that is under way goes on.
 */
export const nextSecurity = (cluster: Cluster, sets: readonly StatefulSet[], isSettled: boolean): Security => {
  const aim = aimOf(cluster)
  if (sets.length === 0) return aim ?? 'acl'
  const now = ORDER[Math.min(...sets.map((set) => ORDER.indexOf(securityOf(set.spec.template))))]!
  const wanted = aim ?? (now === 'login' ? 'acl' : now)
  if (wanted !== 'acl' || now === 'acl') return wanted
  return now === 'login' && isSettled ? 'acl' : 'login'
}
