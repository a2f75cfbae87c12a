import { expect, test } from 'vitest'
import type { MonotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { Admin } from '../../src/client/admin.ts'
import { type Brokers, ClusterClient } from '../../src/client/cluster-client.ts'
import { PartitionAdmin } from '../../src/client/partition-admin.ts'

const partition = { partitionIndex: 0, leaderId: 2, replicaNodes: [2, 3], isrNodes: [2] }
/** Broker 1 was the controller and has just started again: it knows nothing yet. Broker 2 is the controller now. */
const ANSWERS: Record<number, object> = {
  1: { controllerId: -1, topics: [] },
  2: { controllerId: 2, topics: [{ name: 'orders', errorCode: 0, partitions: [partition] }] },
}

class Restarted extends ClusterClient {
  readonly asked: number[] = []
  #controllerId = 1

  override async brokers(): Promise<Brokers> {
    const controllerId = this.#controllerId
    this.#controllerId = 2
    return { clusterId: 'c', controllerId, brokers: [] }
  }
  override async broker(nodeId: number): Promise<never> {
    this.asked.push(nodeId)
    return ANSWERS[nodeId] as never
  }
}

test('partitions are asked of the controller, and a former one that knows of none is not believed', async () => {
  const clock = { nowMs: () => 0, sleep: async () => undefined } as unknown as MonotonicClock
  const client = new Restarted({ bootstrap: [], clientId: 'test', clock, logger: silentLogger })
  const replicas = await new PartitionAdmin(client).replicas()
  expect(replicas).toEqual([{ topic: 'orders', partition: 0, leader: 2, replicas: [2, 3], isr: [2] }])
  expect(client.asked).toEqual([1, 2])
})

test('a topic is described as the controller knows it: a broker that has just started would say that there is none', async () => {
  const clock = { nowMs: () => 0, sleep: async () => undefined } as unknown as MonotonicClock
  const client = new Restarted({ bootstrap: [], clientId: 'test', clock, logger: silentLogger })
  const found = await new Admin(client).describeTopics(['orders'])
  expect(found.get('orders')).toEqual({ name: 'orders', partitions: 1, replicationFactor: 2, isUniform: true })
})
