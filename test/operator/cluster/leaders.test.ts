import { expect, test } from 'vitest'
import type { Pod, StatefulSet } from '../../../src/kube/resources.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import { preferredLeaders } from '../../../src/operator/cluster/moves/leaders.ts'
import type { Finding, Pass } from '../../../src/operator/cluster/steps.ts'
import { FakeKafka } from '../support/fake-kafka.ts'
import { cluster } from '../support/objects.ts'

const object = cluster('ant', 'prod')
const [, brokers] = desired(object, { image: 'i', advertise: 'pod-dns' }).filter((one): one is StatefulSet => one.kind === 'StatefulSet')
const pods = [0, 1, 2].map((id): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `ant-kafka-${id}`, ...brokers!.spec.template.metadata },
  spec: { containers: [] },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
}))

/** Three partitions of which the middle one's preferred broker was away: another leads it. */
const afterRestart = () => {
  const kafka = new FakeKafka()
  kafka.partitions.make('t', 3, 3)
  const told: string[] = []
  const environment = { events: { record: async (_about: unknown, { note }: { note: string }) => told.push(note) } }
  const pass = {
    environment,
    cluster: object,
    seen: { pods },
    statefulSets: [brokers],
    kafka: { contact: kafka.contact },
    restarts: new Map(),
  }
  return { kafka, told, look: (): Promise<Finding | undefined> => preferredLeaders.run(pass as unknown as Pass) }
}
const leaders = (kafka: FakeKafka): number[] => kafka.partitions.of('t').map(({ leader }) => leader)

test('nothing to give back is no reason to look again soon', async () => {
  const { look, told } = afterRestart()
  expect([await look(), told]).toEqual([undefined, []])
})

test('a broker that has not caught up yet gets its leaders back at a later look, which comes soon', async () => {
  const { kafka, told, look } = afterRestart()
  kafka.partitions.lead('t', 1, 2)
  kafka.partitions.outOfSync(1)
  expect((await look())?.requeueAfterMs).toBeLessThanOrEqual(10_000)
  expect([leaders(kafka), told]).toEqual([[0, 2, 2], []])
  kafka.partitions.outOfSync()
  expect(await look()).toBeUndefined()
  expect([leaders(kafka), told]).toEqual([[0, 1, 2], ['1 partitions are led by their preferred brokers again']])
})
