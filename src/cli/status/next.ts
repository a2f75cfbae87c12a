import { PAUSED } from '../../api/index.ts'
import type { PodReport, Report } from './model.ts'

type Found = Omit<Report, 'next'>

const MOST_NAMED = 5

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

const ofConditions = ({ conditions, isPaused, name, namespace }: Found): string[] => {
  const message = (wanted: string): string | undefined =>
    conditions.find(({ type, status }) => type === wanted && status === 'True')?.message
  const [stalled, degraded] = [message('Stalled'), message('Degraded')]
  const unseen = 'no operator has looked at this Cluster: is one installed (charts/sofakafka), and does it watch this namespace?'
  const paused = `the Cluster is paused; \`kubectl annotate skc ${name} -n ${namespace} ${PAUSED}-\` lets the operator go on`
  return [
    ...(stalled === undefined ? [] : [`the Cluster waits for you: ${stalled}`]),
    ...(conditions.length === 0 ? [unseen] : []),
    ...(isPaused ? [paused] : []),
    ...(degraded === undefined ? [] : [degraded]),
  ]
}

const ofKafka = ({ brokers, partitions, kafkaProblem }: Found, logs: (pod: string) => string): string[] => {
  const lost = brokers.filter(({ ready, registered }) => ready && registered === false)
  const { offline = [], underReplicated = [] } = partitions ?? {}
  const steps: string[] = []
  if (lost.length > 0) steps.push(`brokers ${some(lost.map(({ id }) => String(id)))} run and are not registered: see ${logs(lost[0]!.pod)}`)
  if (offline.length > 0)
    steps.push(
      `partitions without a leader: ${offline.length} (${some(offline)}). Nobody reads or writes them until a broker of their in-sync replicas is back`,
    )
  if (underReplicated.length > 0)
    steps.push(
      `partitions that lack an in-sync replica: ${underReplicated.length} (${some(underReplicated)}). Wait while brokers start or catch up; if it lasts, see their logs`,
    )
  if (kafkaProblem !== undefined && brokers.some(({ ready }) => ready)) steps.push(`the brokers could not be asked: ${kafkaProblem}`)
  return steps
}

const ofResources = ({ notReady }: Found, calledAs: string): string[] => [
  ...notReady.slice(0, MOST_NAMED).map((one) => {
    const look = `${calledAs} ${one.kind.toLowerCase()} describe ${one.name} -n ${one.namespace}`
    return `${one.kind} ${one.name}: ${one.reason}. See \`${look}\``
  }),
  ...(notReady.length > MOST_NAMED ? [`${notReady.length - MOST_NAMED} more are not Ready`] : []),
]

/** What somebody should do about it, the most urgent first; nothing where all is well. Pure. */
export const nextSteps = (found: Found, calledAs: string): string[] => {
  const { brokers, zookeeper, ready, name, namespace } = found
  const place = ` -n ${namespace} -c ${name}`
  const steps = [
    ...ofConditions(found),
    ...[...zookeeper, ...brokers].flatMap((pod) => ofPod(pod, place, calledAs)),
    ...ofKafka(found, (pod) => `\`${calledAs} logs${place} --pod ${pod}\``),
    ...ofResources(found, calledAs),
  ]
  return steps.length === 0 && ready.status !== 'True' ? [`wait: ${ready.message}`] : steps
}
