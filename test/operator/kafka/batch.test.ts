import { expect, test } from 'vitest'
import type { Admin, NewTopic, Outcomes } from '../../../src/client/admin.ts'
import { BatchedAdmin } from '../../../src/operator/kafka/batched-admin.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const adminWith = (createTopics: (topics: readonly NewTopic[]) => Promise<Outcomes>) => {
  const clock = new ManualClock()
  return { clock, admin: new BatchedAdmin({ createTopics } as Admin, clock) }
}

test('a thousand topics are at most twenty requests, and one that is refused fails alone', async () => {
  const sizes: number[] = []
  const { clock, admin } = adminWith(async (topics) => {
    sizes.push(topics.length)
    return new Map(topics.map(({ name }) => [name, name === 't500' ? new KafkaError('INVALID_CONFIG') : undefined]))
  })
  const asked = Array.from({ length: 1000 }, (_, index) => admin.createTopics([{ name: `t${index}` }]))
  await clock.advance(300)
  const outcomes = await Promise.all(asked)
  expect(sizes.length).toBeLessThanOrEqual(20)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1000)
  expect(outcomes.filter((outcome) => outcome.size > 0).map((outcome) => [...outcome.keys()])).toEqual([['t500']])
})

test('a request that fails fails for all that were in it, and for no later one', async () => {
  let calls = 0
  const { clock, admin } = adminWith(() => (++calls === 1 ? Promise.reject(new Error('lost')) : Promise.resolve(new Map())))
  const first = Promise.allSettled([admin.createTopics([{ name: 'a' }]), admin.createTopics([{ name: 'b' }])])
  await clock.advance(300)
  expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const second = admin.createTopics([{ name: 'c' }])
  await clock.advance(300)
  expect((await second).size).toBe(0)
})

test('a burst that comes drop by drop is one request, and one that does not end is not waited for', async () => {
  const sizes: number[] = []
  const { clock, admin } = adminWith(async (topics) => {
    sizes.push(topics.length)
    return new Map()
  })
  const asked: Promise<unknown>[] = []
  for (let index = 0; index < 5; index++) {
    asked.push(admin.createTopics([{ name: `t${index}` }]))
    await clock.advance(10)
  }
  expect(sizes).toEqual([])
  await clock.advance(25)
  expect(sizes).toEqual([5])
  for (let index = 0; index < 40; index++) {
    asked.push(admin.createTopics([{ name: `u${index}` }]))
    await clock.advance(10)
  }
  expect(sizes.length).toBeGreaterThan(1)
  await clock.advance(300)
  await Promise.all(asked)
})
