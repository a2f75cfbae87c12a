import { clusters, type Cluster } from '../../api/index.ts'
import type { Call, Run } from '../command.ts'
import { EXIT, Failure } from '../failure.ts'
import { clusterOf, type KubeAccess, listOf, withKube } from '../kube-access.ts'
import { formatOf, printData, printList } from '../output.ts'
import { resourceName, stateOf } from '../resources/kinds.ts'
import type { Session } from '../session.ts'
import { ageText } from '../times.ts'
import { observe } from './observe.ts'
import { isWell, report } from './report.ts'
import { statusText } from './text.ts'

const showOne = async (call: Call, session: Session, access: KubeAccess, cluster: Cluster): Promise<number> => {
  const { io, clocks, calledAs } = session
  const format = formatOf(call)
  const shown = report(await observe(call, session, access, cluster), calledAs)
  const code = isWell(shown) ? 0 : EXIT.notReady
  if (format === 'name') await io.out(`${resourceName('Cluster', shown.name)}\n`)
  else if (format === 'json' || format === 'yaml') await printData(io, format, shown)
  else await io.out(statusText(shown, { nowMs: clocks.wall.nowMs(), isWide: format === 'wide', hasColour: io.hasColour }))
  return code
}

/** A line for each. */
const showAll = async (call: Call, { io, clocks }: Session, found: readonly Cluster[]): Promise<number> => {
  await printList(io, call, {
    items: found,
    columns: [
      ...(call.flag('all-namespaces') ? [{ header: 'NAMESPACE', value: ({ metadata }: Cluster) => metadata.namespace }] : []),
      { header: 'NAME', value: ({ metadata }) => metadata.name },
      { header: 'BROKERS', value: ({ status }) => status?.readyBrokers },
      { header: 'READY', value: (cluster) => stateOf(cluster).ready },
      { header: 'REASON', value: (cluster) => stateOf(cluster).reason },
      { header: 'AGE', value: ({ metadata }) => ageText(clocks.wall.nowMs() - Date.parse(metadata.creationTimestamp ?? '')) },
      { header: 'MESSAGE', value: (cluster) => stateOf(cluster).message, isWide: true },
    ],
    name: ({ metadata }) => resourceName('Cluster', metadata.name),
    data: ({ metadata, status }) => ({ metadata: { name: metadata.name, namespace: metadata.namespace }, status }),
    nothing: 'there are no Clusters',
  })
  return found.every((cluster) => stateOf(cluster).ready === 'True') ? 0 : EXIT.notReady
}

export const run: Run = (call, session) =>
  withKube(call, session, async (access) => {
    const named = call.positional(0)
    if (named !== undefined) return showOne(call, session, access, await clusterOf(access, named))
    const found = await listOf(call, access, clusters)
    if (found.length === 1 && !call.flag('all-namespaces')) return showOne(call, session, access, found[0]!)
    if (found.length === 0 && !call.flag('all-namespaces'))
      throw new Failure(`there is no Cluster in the namespace ${access.namespace}; -A looks in all`, EXIT.notFound)
    return showAll(call, session, found)
  })
