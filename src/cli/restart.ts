import { clusters, type Cluster, PAUSED, RESTART, RESTARTED_AT } from '../api/index.ts'
import { pods, type Pod } from '../kube/resources.ts'
import { type Run, UsageError } from './command.ts'
import { EXIT, Failure } from './failure.ts'
import { clusterOf, withKube } from './kube-access.ts'
import { podsOf } from './pods.ts'

const annotated = (key: string, value: string) => ({ metadata: { annotations: { [key]: value } } })

const podNamed = (all: readonly Pod[], name: string, cluster: Cluster): Pod => {
  const found = all.find(({ metadata }) => metadata.name === name)
  if (found) return found
  const there = all.map(({ metadata }) => metadata.name).join(', ')
  throw new Failure(`${cluster.metadata.name} has no pod ${name}; it has ${there || 'none'}`, EXIT.notFound)
}

/** Asks the operator to replace pods of a Cluster; which goes when is decided there. */
export const run: Run = (call, session) =>
  withKube(call, session, async (access) => {
    const { io, clocks, calledAs } = session
    const [named, option] = [call.positional(0), call.text('cluster')]
    if (named !== undefined && option !== undefined && named !== option)
      throw new UsageError(`the Cluster is ${named} and --cluster is ${option}: write one of them`)
    const cluster = await clusterOf(access, named ?? option)
    const { name, namespace = 'default' } = cluster.metadata
    if (cluster.metadata.annotations?.[PAUSED] === 'true')
      throw new Failure(
        `the Cluster ${name} is paused, so nothing would be restarted; \`kubectl annotate skc ${name} -n ${namespace} ${PAUSED}-\` lets the operator go on`,
        EXIT.failed,
      )
    const names = call.texts('pod')
    const options = { dryRun: call.text('dry-run') === 'server' }
    const note = options.dryRun ? ' (dry run)' : ''
    const all = names.length === 0 ? [] : await podsOf(access, cluster)
    const chosen = names.map((each) => podNamed(all, each, cluster))
    for (const { metadata } of chosen) {
      await access.kube.patch(pods, { namespace, name: metadata.name }, 'merge', annotated(RESTART, 'true'), options)
      await io.out(`pod/${metadata.name} will be restarted${note}\n`)
    }
    if (names.length === 0) {
      const now = new Date(clocks.wall.nowMs()).toISOString()
      await access.kube.patch(clusters, { namespace, name }, 'merge', annotated(RESTARTED_AT, now), options)
      await io.out(`cluster.sofakafka.io/${name} will be restarted${note}\n`)
    }
    if (!options.dryRun) io.err(`one pod at a time; \`${calledAs} status ${name} -n ${namespace}\` shows how far it is\n`)
  })
