import { expect, test } from 'vitest'
import { type Holder, MemoryBudget } from '../../src/broker/memory-budget.ts'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { requestFrame } from '../../src/protocol/header.ts'
import { batchOf } from '../support/batches.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { eventually } from '../support/net.ts'
import { RawClient } from '../support/raw-client.ts'
import { startTestBroker } from '../support/test-broker.ts'

class TestHolder implements Holder {
  heldBytes = 0
  progressMs = 0
  resumed = 0
  closed: string | undefined
  readonly #budget: MemoryBudget
  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }
  hold(bytes: number): this {
    this.#budget.enter(this)
    this.#budget.add(bytes - this.heldBytes)
    this.heldBytes = bytes
    return this
  }
  drop(): void {
    const bytes = this.heldBytes
    this.heldBytes = 0
    this.#budget.leave(this)
    this.#budget.release(bytes)
  }
  resume(): void {
    this.resumed++
  }
  close(reason: string): void {
    this.closed = reason
    this.drop()
  }
}

const budgetOf = (limitBytes: number) => {
  const clock = new ManualClock()
  const budget = new MemoryBudget({ name: 'tests', limitBytes, clock })
  return { clock, budget, holder: () => new TestHolder(budget) }
}

test('who waits goes on when memory is given back', () => {
  const { budget, holder } = budgetOf(100)
  const [big, waiting] = [holder().hold(101), holder()]
  expect(budget.isUsedUp).toBe(true)
  budget.wait(waiting)
  expect(waiting.resumed).toBe(0)
  big.drop()
  expect(waiting.resumed).toBe(1)
  expect(budget.usedBytes).toBe(0)
})

test('one at a time may go on although the memory is used up, and the next one after it', () => {
  const { budget, holder } = budgetOf(100)
  const [first, second, third] = [holder().hold(50), holder().hold(50), holder().hold(50)]
  expect([budget.mayGoOn(first), budget.mayGoOn(second), budget.mayGoOn(third)]).toEqual([true, false, false])
  budget.wait(second)
  budget.wait(third)
  first.hold(200)
  first.drop()
  expect([second.resumed, third.resumed]).toEqual([1, 1])
  first.hold(150)
  expect([budget.mayGoOn(second), budget.mayGoOn(third)]).toEqual([true, false])
})

test('holders that stand still while others wait are closed, the largest first, and no more than needed', async () => {
  const { budget, clock, holder } = budgetOf(100)
  const [small, large, lively, waiting] = [holder().hold(40), holder().hold(90), holder().hold(30), holder()]
  budget.wait(waiting)
  await clock.advance(9000)
  lively.progressMs = clock.nowMs()
  expect(large.closed).toBeUndefined()
  await clock.advance(3000)
  expect(large.closed).toContain('stood still')
  expect([small.closed, lively.closed]).toEqual([undefined, undefined])
  expect(waiting.resumed).toBe(1)
})

test('requests that together exceed queued.max.request.bytes are all served, one after the other', async () => {
  const broker = await startTestBroker({
    topics: { t: 1 },
    properties: { 'queued.max.request.bytes': '300000', 'message.max.bytes': '2000000' },
  })
  const records = batchOf(['x'.repeat(200_000)])
  const frame = Buffer.concat(
    requestFrame(
      produce,
      8,
      { correlationId: 1, clientId: 'c' },
      {
        acks: 1,
        timeoutMs: 1000,
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, records }] }],
      },
    ),
  )
  const clients = await Promise.all(Array.from({ length: 12 }, () => RawClient.open(broker.port)))
  // All halves are there before any end comes, so that nobody's request can be whole while the memory lasts.
  for (const client of clients) client.send(frame.subarray(0, 150_000))
  await new Promise((resolve) => setTimeout(resolve, 50))
  for (const client of clients) client.send(frame.subarray(150_000))
  for (const client of clients) expect((await client.response(produce, 8)).body.responses[0]!.partitions[0]!.errorCode).toBe(0)
  expect([...broker.cluster.partitions!.all()][0]!.log.logEndOffset).toBe(12)
  for (const client of clients) client.end()
  await broker.end()
})

test('halves of requests that never end are closed when others need the memory', async () => {
  const monotonic = new ManualClock()
  const broker = await startTestBroker({
    topics: { t: 1 },
    clocks: { monotonic, wall: { nowMs: () => 1_700_000_000_000 } },
    properties: { 'queued.max.request.bytes': '300000' },
  })
  const half = Buffer.concat([Buffer.from('00200000', 'hex'), Buffer.alloc(200_000)])
  const silent = await Promise.all(Array.from({ length: 6 }, () => RawClient.open(broker.port)))
  for (const client of silent) client.send(half)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const client = await RawClient.open(broker.port)
  const request = {
    acks: 1,
    timeoutMs: 1000,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, records: batchOf(['y'.repeat(100_000)]) }] }],
  }
  client.request(produce, 8, 1, request)
  await eventually(async () => {
    await monotonic.advance(1000)
    return [...broker.cluster.partitions!.all()][0]!.log.logEndOffset === 1
  })
  expect(silent.some(({ isClosed }) => isClosed)).toBe(true)
  for (const one of [client, ...silent]) one.end()
  await broker.end()
})
