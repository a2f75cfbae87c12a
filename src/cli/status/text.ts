import { Sections } from '../sections.ts'
import type { Column } from '../table.ts'
import { ageText } from '../times.ts'
import type { BrokerReport, PodReport, Report } from './model.ts'

const yesNo = (value: boolean | undefined): string => (value === undefined ? 'unknown' : value ? 'yes' : 'no')

const podColumns = (nowMs: number): Column<PodReport>[] => [
  { header: 'READY', value: ({ ready, trouble }) => (ready ? 'yes' : `no: ${(trouble ?? '').slice(0, 60)}`) },
  { header: 'VERSION', value: ({ version }) => version },
  { header: 'NODE', value: ({ node }) => node },
  { header: 'RESTARTS', value: ({ restarts }) => restarts },
  { header: 'AGE', value: ({ createdAt }) => (createdAt ? ageText(nowMs - Date.parse(createdAt)) : undefined) },
]

const brokerColumns = (nowMs: number): Column<BrokerReport>[] => [
  { header: 'ID', value: ({ id, isController }) => `${id}${isController ? ' (controller)' : ''}` },
  { header: 'POD', value: ({ pod }) => pod },
  { header: 'RACK', value: ({ rack }) => rack },
  ...podColumns(nowMs).slice(0, 2),
  { header: 'REGISTERED', value: ({ registered }) => yesNo(registered), isWide: true },
  { header: 'PARTITIONS', value: ({ partitions }) => partitions ?? 'unknown' },
  { header: 'LEADS', value: ({ leads }) => leads ?? 'unknown' },
  { header: 'OUT OF SYNC', value: ({ outOfSync }) => outOfSync ?? 'unknown' },
  ...podColumns(nowMs).slice(2),
]

const partitionsText = ({ partitions }: Report): string | undefined =>
  partitions && `${partitions.total}, ${partitions.underReplicated.length} under-replicated, ${partitions.offline.length} offline`

/** For people. */
export const statusText = (report: Report, options: { nowMs: number; isWide: boolean; hasColour: boolean }): string => {
  const { ready, name, namespace, brokers, zookeeper, listeners, resources, notReady, next, clusterId, image } = report
  const { nowMs, isWide, hasColour } = options
  const colour = (text: string, code: number): string => (hasColour ? `\u001B[${code}m${text}\u001B[0m` : text)
  const sections = new Sections(hasColour).fields([
    ['Cluster', `${namespace}/${name}`],
    ['Ready', `${colour(ready.status, ready.status === 'True' ? 32 : 31)}, ${ready.reason}: ${ready.message}`],
    ['Paused', report.isPaused ? 'the operator leaves it as it is (annotation sofakafka.io/paused)' : undefined],
    ['Cluster id', clusterId],
    ['Image', image],
    ['ZooKeeper', report.externalZooKeeper],
    ['Partitions', partitionsText(report)],
  ])
  sections.table('Brokers', brokers, brokerColumns(nowMs), isWide)
  sections.table('ZooKeeper', zookeeper, [{ header: 'POD', value: ({ pod }) => pod }, ...podColumns(nowMs)], isWide)
  sections.table('Listeners', listeners, [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'TYPE', value: ({ type }) => type },
    { header: 'TLS', value: ({ tls }) => yesNo(tls) },
    { header: 'BOOTSTRAP SERVERS', value: ({ bootstrapServers }) => bootstrapServers },
  ])
  sections.table('Resources', resources, [
    { header: 'KIND', value: ({ kind }) => kind },
    { header: 'READY', value: ({ ready, total }) => `${ready}/${total}` },
    { header: 'OF', value: ({ isWhole }) => (isWhole ? 'all namespaces' : 'this namespace; others may not be seen') },
  ])
  sections.table('Not Ready', notReady, [
    { header: 'KIND', value: ({ kind }) => kind },
    { header: 'NAME', value: ({ name, namespace: other }) => (other === namespace ? name : `${other}/${name}`) },
    { header: 'REASON', value: ({ reason }) => reason },
    { header: 'MESSAGE', value: ({ message }) => message },
  ])
  if (next.length > 0) sections.text('What to do', next.map((step) => `  ${colour('-', 33)} ${step}\n`).join(''))
  return String(sections)
}
