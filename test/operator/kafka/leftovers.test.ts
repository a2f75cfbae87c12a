import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import type { OwnerRecord } from '../../../src/operator/kafka/contact.ts'
import { removeLeftovers } from '../../../src/operator/kafka/leftovers.ts'
import type { Store } from '../../../src/operator/store.ts'
import { FakeKafka } from '../support/fake-kafka.ts'

const CLUSTER = { namespace: 'kafka', name: 'ant' }
const recordOf = (namespace: string, name: string): OwnerRecord => ({ owner: { namespace, name, uid: name }, deletionPolicy: 'Delete' })
/** Nothing is left of any resource. */
const informer = (isSynced = true) => ({ isSynced, by: () => [] })

const kafkaWith = async (...topics: [namespace: string, name: string][]): Promise<FakeKafka> => {
  const kafka = new FakeKafka()
  await kafka.admin.createTopics(topics.map(([, name]) => ({ name, partitions: 1, replicationFactor: 1 })))
  for (const [namespace, name] of topics) await kafka.contact.records.put('topics', name, recordOf(namespace, name))
  return kafka
}
const remove = (kafka: FakeKafka, watched: string[], store = { topics: informer(), users: informer(), acls: informer() }): Promise<void> =>
  removeLeftovers({ store: store as unknown as Store, logger: silentLogger, watched }, CLUSTER, kafka.contact)

test('what a resource left behind goes with what the operator noted of it', async () => {
  const kafka = await kafkaWith(['kafka', 'orders'])
  await remove(kafka, [])
  expect([[...kafka.topics.keys()], [...kafka.recorded.keys()]]).toEqual([[], []])
})

test('a topic of a namespace that is not watched any more stays, and is remembered', async () => {
  const kafka = await kafkaWith(['team-a', 'team-a.orders'], ['kafka', 'orders'])
  await remove(kafka, ['kafka'])
  expect([...kafka.topics.keys()]).toEqual(['team-a.orders'])
  expect(await kafka.contact.records.get('topics', 'team-a.orders')).toEqual(recordOf('team-a', 'team-a.orders'))
})

test('nothing goes while it is not known which resources there are', async () => {
  const kafka = await kafkaWith(['kafka', 'orders'])
  const store = { topics: informer(false), users: informer(), acls: informer() }
  await expect(remove(kafka, [], store)).rejects.toThrow('topics are not known yet')
  expect([...kafka.topics.keys()]).toEqual(['orders'])
})
