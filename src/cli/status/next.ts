import type { PodReport, Report } from './report.ts'

type Found = Omit<Report, 'next'>

const some = (names: readonly string[], most = 3): string =>
  names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`

const ofPod = ({ pod, ready, trouble = '', restarts }: PodReport, place: string, calledAs: string): string[] => {
  if (ready) return []
  if (/Unschedulable|nodes are available/.test(trouble))
    return [`${pod} has no node: ${trouble}. Add a node or lower what the brokers ask for (spec.brokers[].resources)`]
  if (/ImagePull|ErrImage/.test(trouble))
    return [`${pod} has no image: ${trouble}. Mend spec.image, or give the nodes the right to pull it`]
  const previous = restarts > 0 ? ' --previous' : ''
  return [`${pod}: ${trouble}. See \`${calledAs} logs${place} --pod ${pod}${previous}\``]
}

/** What somebody should do about it, the most urgent first; nothing where all is well. Pure. */
export const nextSteps = (found: Found, calledAs: string): string[] => {
  const { brokers, zookeeper, partitions, conditions, kafkaProblem, notReady, ready, name, namespace } = found
  const place = ` -n ${namespace} -c ${name}`
  const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True')
  const steps: string[] = []
  if (stalled) steps.push(`the Cluster waits for you: ${stalled.message}`)
  if (conditions.length === 0)
    steps.push('no operator has looked at this Cluster: is one installed (charts/sofakafka), and does it watch this namespace?')
  for (const pod of [...zookeeper, ...brokers]) steps.push(...ofPod(pod, place, calledAs))
  const lost = brokers.filter(({ ready, registered }) => ready && registered === false)
  if (lost.length > 0)
    steps.push(
      `brokers ${some(lost.map(({ id }) => String(id)))} run and are not registered: see \`${calledAs} logs${place} --pod ${lost[0]!.pod}\``,
    )
  if (partitions && partitions.offline.length > 0)
    steps.push(
      `${partitions.offline.length} partitions have no leader (${some(partitions.offline)}): nobody reads or writes them until a broker of their in-sync replicas is back`,
    )
  if (partitions && partitions.underReplicated.length > 0)
    steps.push(
      `${partitions.underReplicated.length} partitions lack an in-sync replica (${some(partitions.underReplicated)}): wait while brokers start or catch up; if it lasts, see their logs`,
    )
  if (kafkaProblem !== undefined && brokers.some((broker) => broker.ready)) steps.push(`the brokers could not be asked: ${kafkaProblem}`)
  for (const one of notReady.slice(0, 5))
    steps.push(
      `${one.kind} ${one.name}: ${one.reason}. See \`${calledAs} ${one.kind.toLowerCase()} describe ${one.name} -n ${one.namespace}\``,
    )
  if (notReady.length > 5) steps.push(`${notReady.length - 5} more are not Ready`)
  if (steps.length === 0 && ready.status !== 'True') steps.push(`wait: ${ready.message}`)
  return steps
}
