import { expect } from 'vitest'
import { topics, users } from '../../../src/api/index.ts'
import { monotonicClock, wallClock, type MonotonicClock } from '../../../src/base/clock.ts'
import * as resources from '../../../src/kube/resources.ts'
import type { Resource } from '../../../src/kube/types.ts'
import { RESYNC_MS } from '../../../src/operator/environment.ts'
import { eventually } from '../../support/net.ts'
import { topic, user } from './objects.ts'
import type { OperatorLab } from './operator-lab.ts'
import { scrape, valueOf, type Series } from './scrape.ts'

/** The time until the next look, shortened; everything else takes as long as ever. */
const hasty = (resyncMs: number): MonotonicClock => ({
  ...monotonicClock,
  schedule: (ms, run) => monotonicClock.schedule(ms === RESYNC_MS ? resyncMs : ms, run),
})

/** Requests that are no reads. */
export const writesIn = (series: readonly Series[]): number =>
  series
    .filter(({ name, labels }) => name === 'sofakafka_operator_kubernetes_requests_total' && labels['method'] !== 'GET')
    .reduce((sum, { value }) => sum + value, 0)

const versionsIn = async ({ kube }: OperatorLab, namespace: string): Promise<string[]> => {
  const kinds = [topics, users, resources.secrets, resources.pods, resources.events] as Resource[]
  const lists = await Promise.all(kinds.map((kind) => kube.list(kind, { namespace })))
  return lists.flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`))
}

/** Makes so many Topics and Users, waits until all are Ready, and sees that looking at each of them so often again writes nothing anywhere. */
export const expectQuiet = async (place: OperatorLab, counts: { topics: number; users: number; resyncs: number }): Promise<void> => {
  const { namespace, kafka } = await place.servedCluster()
  const all = [
    ...Array.from({ length: counts.topics }, (_unused, n) => topic(`t${n}`, namespace, { config: { 'retention.ms': n } })),
    ...Array.from({ length: counts.users }, (_unused, n) => user(`u${n}`, namespace)),
  ]
  for (let from = 0; from < all.length; from += 100) await Promise.all(all.slice(from, from + 100).map(place.put))
  const readyOnes = async () => {
    const series = await scrape(place.operator)
    const ready = (kind: string) => valueOf(series, 'sofakafka_operator_resources_ready', { kind })
    return ready('Topic') + ready('User')
  }
  await eventually(async () => (await readyOnes()) >= all.length, { everyMs: 200, timeoutMs: 60_000 })
  await place.operator.stop()
  place.operator = await place.startOperator({ clocks: { monotonic: hasty(200), wall: wallClock } })
  await place.operator.leading
  const before = await versionsIn(place, namespace)
  kafka.writes = []
  const runs = (series: readonly Series[]) => valueOf(series, 'sofakafka_operator_reconciliations_successful_total')
  await eventually(async () => runs(await scrape(place.operator)) >= (counts.resyncs + 1) * all.length, {
    everyMs: 200,
    timeoutMs: 120_000,
  })
  const after = await scrape(place.operator)
  expect(writesIn(after)).toBe(0)
  expect(kafka.writes).toEqual([])
  expect(valueOf(after, 'sofakafka_operator_reconciliations_failed_total')).toBe(0)
  expect(await versionsIn(place, namespace)).toEqual(before)
}
