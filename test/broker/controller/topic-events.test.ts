import { expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { ControllerContext } from '../../../src/broker/controller/context.ts'
import type { TopicDeletion } from '../../../src/broker/controller/deletion.ts'
import { EventQueue } from '../../../src/broker/controller/event-queue.ts'
import type { TermTools } from '../../../src/broker/controller/term-part.ts'
import { TopicEvents } from '../../../src/broker/controller/topic-events.ts'

const NONE = new Map<number, number[]>()
const seen = (topic: string, created: bigint) => ({
  topic,
  assignment: { replicas: new Map([[0, [1]]]), adding: NONE, removing: NONE },
  created,
})

/** Everything that reaches ZooKeeper or brokers does nothing; `elections` has the topics of each. */
const makeEvents = () => {
  const context = new ControllerContext(1, 0)
  const queue = new EventQueue({ clock: monotonicClock, logger: silentLogger, afterEach: () => {}, lost: () => {} })
  const elections: string[][] = []
  const partitions = {
    move: () => {},
    online: (known: readonly { topic: string }[]) => void elections.push(known.map(({ topic }) => topic)),
  }
  const replicas = { create: () => {}, stateOf: () => 'NEW', online: () => {}, offline: () => {} }
  const tools = { context, queue, partitions, replicas, logger: silentLogger } as unknown as TermTools
  const deletion = { topicIsKnown: () => {} } as unknown as TopicDeletion
  return { context, elections, events: new TopicEvents({ tools, deletion }) }
}

test('what is read while the queue is busy is one event', async () => {
  const { events, elections } = makeEvents()
  await Promise.all([events.read(seen('a', 1n)), events.read(seen('b', 2n)), events.read(seen('b', 2n))])
  await events.read(seen('c', 3n))
  expect(elections).toEqual([['a', 'b'], ['c']])
})

test('a topic made again right after it vanished is not forgotten with the old one', async () => {
  const { events, context } = makeEvents()
  await Promise.all([events.read(seen('a', 1n)), events.read(seen('t', 2n)), events.gone(['t']), events.read(seen('t', 3n))])
  expect(context.partition({ topic: 't', partition: 0 })).toBeDefined()
})

test('an event takes 200 topics at most', async () => {
  const { events, elections } = makeEvents()
  await Promise.all(Array.from({ length: 450 }, (_unused, n) => events.read(seen(`t${n}`, BigInt(n)))))
  expect(elections.map(({ length }) => length)).toEqual([200, 200, 50])
})
