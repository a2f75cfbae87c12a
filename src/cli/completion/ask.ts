import { clusters, topics } from '../../api/index.ts'
import { GroupAdmin } from '../../client/group-admin.ts'
import { contextsOf } from '../../kube/kubeconfig.ts'
import { namespaces } from '../../kube/resources.ts'
import type { Call, Command, Completes } from '../command.ts'
import { withKafka } from '../kafka-access.ts'
import { kubeconfigFiles, withKube } from '../kube-access.ts'
import { parse } from '../parse.ts'
import { RESOURCES, stateOf } from '../resources/kinds.ts'
import type { Session } from '../session.ts'
import type { Candidate } from './candidates.ts'

/** Whoever waits for a tab does not wait longer. */
const WITHIN_MS = 3000

const named = (text: string, about = ''): Candidate => ({ text, about })

const ASK: Readonly<Record<Exclude<Completes, 'file'>, (call: Call, session: Session) => Promise<Candidate[]>>> = {
  cluster: (call, session) => resources(call, session, 'cluster'),
  topic: (call, session) => resources(call, session, 'topic'),
  user: (call, session) => resources(call, session, 'user'),
  acl: (call, session) => resources(call, session, 'acl'),
  kafkatopic: (call, session) =>
    withKube(call, session, async ({ kube, namespace }) =>
      (await kube.list(topics, { namespace })).items.map(({ metadata, spec }) => named(spec.name ?? metadata.name)),
    ),
  group: (call, session) =>
    withKafka(call, session, async ({ client }) =>
      (await new GroupAdmin(client, session.clocks.monotonic).list()).map(({ groupId, state }) => named(groupId, state)),
    ),
  namespace: (call, session) =>
    withKube(call, session, async ({ kube }) => (await kube.list(namespaces)).items.map(({ metadata }) => named(metadata.name))),
  context: async (call, session) => (await contextsOf(kubeconfigFiles(call, session.surroundings))).map((name) => named(name)),
}

const resources = (call: Call, session: Session, kind: 'cluster' | 'topic' | 'user' | 'acl'): Promise<Candidate[]> =>
  withKube(call, session, async ({ kube, namespace }) => {
    const { items } = await kube.list(kind === 'cluster' ? (clusters as (typeof RESOURCES)['topic']) : RESOURCES[kind], { namespace })
    return items.map((object) => named(object.metadata.name, stateOf(object).reason))
  })

/** The words so far as a call, for the namespace and the context that stand among them. */
const callOf = (command: Command, words: readonly string[]): Call | undefined => {
  const { positionals: _names, ...rest } = command
  const anything = { ...rest, positionals: Array.from({ length: 9 }, () => ({ name: 'NAME', isOptional: true as const })) }
  for (let end = words.length; end >= command.words.length; end--) {
    try {
      const parsed = parse([anything], words.slice(0, end))
      if ('call' in parsed) return parsed.call
    } catch {
      // The last option waits for its value: without it.
    }
  }
  return undefined
}

/** The names that may stand there; none where nobody could be asked in time. */
export const namesFor = async (
  of: Exclude<Completes, 'file'>,
  command: Command,
  words: readonly string[],
  session: Session,
): Promise<Candidate[]> => {
  const call = callOf(command, words)
  if (!call) return []
  const late = new AbortController()
  const tooLate = session.clocks.monotonic.sleep(WITHIN_MS, late.signal).then(
    () => [],
    () => [],
  )
  try {
    return await Promise.race([ASK[of](call, session), tooLate])
  } catch {
    // A shell has no place for errors.
    return []
  } finally {
    late.abort()
  }
}
