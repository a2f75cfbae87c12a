import { type Event, events } from '../kube/resources.ts'
import type { KubeObject } from '../kube/types.ts'
import type { KubeAccess } from './kube-access.ts'
import type { Column } from './table.ts'
import { ageText } from './times.ts'

/** Fields of events.k8s.io/v1, and those of the older kind that kubelets and controllers still write. */
type AnyEvent = Event & { deprecatedLastTimestamp?: string; deprecatedCount?: number }

const timeOf = (event: Event): string =>
  event.series?.lastObservedTime ?? (event as AnyEvent).deprecatedLastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? ''
const countOf = (event: Event): number => event.series?.count ?? (event as AnyEvent).deprecatedCount ?? 1

/** Of one object, the oldest first. */
export const eventsOf = async ({ kube }: KubeAccess, object: KubeObject, most = 10): Promise<Event[]> => {
  const { items } = await kube.list(events, { namespace: object.metadata.namespace ?? 'default' })
  const own = items.filter(({ regarding }) => regarding?.kind === object.kind && regarding.name === object.metadata.name)
  return own.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1)).slice(-most)
}

export const eventColumns = (nowMs: number): Column<Event>[] => [
  { header: 'AGE', value: (event) => ageText(nowMs - Date.parse(timeOf(event))) },
  { header: 'TYPE', value: ({ type }) => type },
  { header: 'REASON', value: ({ reason }) => reason },
  { header: 'COUNT', value: countOf },
  { header: 'NOTE', value: ({ note }) => note?.replaceAll('\n', ' ') },
]
