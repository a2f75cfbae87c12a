import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicClock, wallClock, type MonotonicClock } from '../../../src/base/clock.ts'
import { againMs } from '../../../src/operator/admission.ts'
import { reconciling } from '../../../src/operator/reasons.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { topic, user } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const place = new OperatorLab()
beforeAll(() => place.start(startEmbeddedLab))
afterAll(() => place.stop())

test('the longer nobody was reached, the later the next try, up to a minute', () => {
  const verdict = reconciling('BrokersUnreachable', '')
  expect([0, 3000, 20_000, 3_600_000].map((unreachableMs) => againMs(verdict, unreachableMs))).toEqual([2000, 2000, 10_000, 60_000])
  expect(againMs(reconciling('KafkaRefused', ''), 3_600_000)).toBe(2000)
})

test('what waits for brokers that nobody reached is woken by the first who does', async () => {
  const delays: number[] = []
  const monotonic: MonotonicClock = {
    ...monotonicClock,
    schedule: (ms, run) => {
      delays.push(ms)
      return monotonicClock.schedule(ms, run)
    },
  }
  await place.operator.stop()
  place.operator = await place.startOperator({ clocks: { monotonic, wall: wallClock } })
  await place.operator.leading
  const { namespace, kafka } = await place.servedCluster()
  kafka.isReachable = false
  place.contacts.unreachableForMs = 88_888
  const waiting = [topic('waits', namespace), user('waits', namespace)]
  for (const object of waiting) await place.put(object)
  for (const object of waiting) await place.becomes(object, 'BrokersUnreachable')
  // A condition is read before the reconcile that wrote it has ended.
  await eventually(() => delays.filter((ms) => ms === 44_444).length >= waiting.length, { what: 'both to wait for half the time' })
  expect(delays).not.toContain(2000)
  kafka.isReachable = true
  await place.put(topic('comes', namespace))
  for (const object of waiting) await place.becomes(object, 'Ready')
})
