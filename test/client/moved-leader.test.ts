import { expect, test } from 'vitest'
import type { MonotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { OffsetFinder } from '../../src/client/offset-finder.ts'
import { errorCode, type ErrorName } from '../../src/protocol/errors.ts'

const NOT_LEADER = 1
const clock = { nowMs: () => 0, sleep: async () => undefined } as unknown as MonotonicClock

/** The metadata that were asked first name a broker that does not lead any more. */
class Moved extends ClusterClient {
  readonly asked: number[] = []
  readonly #refusal: ErrorName
  #leaderId = NOT_LEADER

  constructor(refusal: ErrorName) {
    super({ bootstrap: [], clientId: 'test', clock, logger: silentLogger })
    this.#refusal = refusal
  }

  override async topics(): Promise<never> {
    const leaderId = this.#leaderId++
    return { topics: [{ name: 'orders', errorCode: 0, partitions: [{ partitionIndex: 0, leaderId }] }] } as never
  }

  override async broker(nodeId: number): Promise<never> {
    this.asked.push(nodeId)
    const errorCodeOf = nodeId === NOT_LEADER ? errorCode(this.#refusal) : 0
    return { topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: errorCodeOf, offset: 42n }] }] } as never
  }
}

test.each(['NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH'] as const)('after %s the leader is asked for anew', async (refusal) => {
  const client = new Moved(refusal)
  const found = await new OffsetFinder(client, clock).find([{ topic: 'orders', partition: 0 }], 'latest')
  expect(found).toEqual([{ topic: 'orders', partition: 0, offset: 42 }])
  expect(client.asked).toEqual([1, 2])
})

test('what another leader would answer too is not asked again', async () => {
  const client = new Moved('TOPIC_AUTHORIZATION_FAILED')
  await expect(new OffsetFinder(client, clock).find([{ topic: 'orders', partition: 0 }], 'latest')).rejects.toMatchObject({
    error: 'TOPIC_AUTHORIZATION_FAILED',
  })
  expect(client.asked).toEqual([1])
})
