import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import type { Context } from '../../../src/broker/context.ts'
import { handleDeleteRecords } from '../../../src/broker/handlers/21-delete-records.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { batchOf } from '../../log/support.ts'
import { settle } from '../../support/manual-clock.ts'
import { fetched, ReplicaLab } from './support/replica-lab.ts'

type Answer = { errorCode: number; lowWatermark: number }

const deleteRecords = async (lab: ReplicaLab, offset: number, topic = 't'): Promise<string> => {
  const broker = { partitions: lab.table, clocks: { monotonic: lab.clock }, logger: silentLogger }
  const context = { authorize: () => {}, broker } as unknown as Context
  const request = { timeoutMs: 5000, topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }] }
  const reply = (await handleDeleteRecords(request, context)) as { topics: { partitions: Answer[] }[] }
  const { errorCode, lowWatermark } = reply.topics[0]!.partitions[0]!
  return `${errorName(errorCode)} ${lowWatermark}`
}

const labWith = async (count: number, replicas = [1, 2, 3]): Promise<ReplicaLab> => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: replicas, replicas })
  await partition.append(batchOf(count), { origin: 'client', requiredAcks: 1 })
  for (const id of replicas) if (id !== 1) fetched(partition, lab, id, count)
  return lab
}

test('records are deleted at once where this broker has the only replica', async () => {
  const lab = await labWith(5, [1])
  expect(await deleteRecords(lab, 3)).toBe('NONE 3')
  expect(await deleteRecords(lab, -1)).toBe('NONE 5')
  expect(await deleteRecords(lab, 6)).toBe('OFFSET_OUT_OF_RANGE -1')
  expect(await deleteRecords(lab, -2)).toBe('OFFSET_OUT_OF_RANGE -1')
  expect(await deleteRecords(lab, 5, '__consumer_offsets')).toBe('INVALID_TOPIC_EXCEPTION -1')
})

test('the answer waits for all live followers, and goes without the dead', async () => {
  const lab = await labWith(5)
  const partition = lab.table.get('t', 0)!
  lab.alive.delete(3)
  let answer: string | undefined
  void deleteRecords(lab, 4).then((text) => (answer = text))
  await settle()
  fetched(partition, lab, 2, 5, 3)
  await settle()
  expect(answer).toBeUndefined()
  fetched(partition, lab, 2, 5, 4)
  await settle()
  expect(answer).toBe('NONE 4')
})

test('a follower that does not follow in time is a time-out, and the records are gone here all the same', async () => {
  const lab = await labWith(5)
  const answer = deleteRecords(lab, 4)
  await lab.clock.advance(5000)
  expect(await answer).toMatch(/^REQUEST_TIMED_OUT/)
  expect(lab.table.get('t', 0)!.log.logStartOffset).toBe(4)
})

test('a broker that no longer leads says so', async () => {
  const lab = await labWith(5)
  const answer = deleteRecords(lab, 4)
  await settle()
  await lab.table.follow('t', 0, lab.leadership({ leader: 2, leaderEpoch: 6 }), false)
  expect(await answer).toBe('NOT_LEADER_OR_FOLLOWER -1')
  expect(await deleteRecords(lab, 4)).toBe('NOT_LEADER_OR_FOLLOWER -1')
})
