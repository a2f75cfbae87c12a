import { expect, test } from 'vitest'
import { countFaults, describeFault, drawSchedule, FAULT_KINDS, type ScheduleOptions } from './schedule.ts'

const options = (seed: number, more: Partial<ScheduleOptions> = {}): ScheduleOptions => ({
  seed,
  durationMs: 60_000,
  brokers: [0, 1, 2],
  replicationFactor: 3,
  topics: [{ topic: 'orders', partitions: 3 }],
  sessionTimeoutMs: 4000,
  ...more,
})

test('a seed replays its schedule, another seed has another', () => {
  expect(drawSchedule(options(7))).toEqual(drawSchedule(options(7)))
  expect(drawSchedule(options(7))).not.toEqual(drawSchedule(options(8)))
})

test('a seed has the schedule that it has had ever since, on every machine', () => {
  expect(drawSchedule(options(7)).map(describeFault)).toMatchInlineSnapshot(`
    [
      "   2.0 s  kill  broker 0  forMs 7920",
      "   5.8 s  slow  ends 1,2  delayMs 230  forMs 8109",
      "   8.5 s  pause  broker 2  forMs 6314",
      "  10.9 s  isolate  broker 0  also false  how refuse  forMs 7923",
      "  13.5 s  reassign  topic orders  partition 0  replicas 1,2,0  cancelAfterMs undefined",
      "  17.5 s  power-loss  brokers 2,1  forMs 0",
      "  19.8 s  isolate  broker 1  also true  how refuse  forMs 7188",
      "  22.9 s  slow  ends 1,zookeeper  delayMs 287  forMs 7818",
      "  25.9 s  isolate  broker 0  also true  how swallow  forMs 5628",
      "  28.3 s  zookeeper-restart",
      "  31.3 s  kill  broker 2  forMs 500",
      "  36.5 s  zookeeper-restart",
      "  42.2 s  kill  broker 1  forMs 6772",
      "  48.0 s  reassign  topic orders  partition 1  replicas 2,0  cancelAfterMs 297",
      "  52.7 s  power-loss  brokers 2,1  forMs 6005",
    ]
  `)
})

test('a longer run begins as the shorter one', () => {
  const short = drawSchedule(options(7)).filter(({ atMs }) => atMs < 30_000)
  expect(drawSchedule(options(7, { durationMs: 600_000 })).slice(0, short.length)).toEqual(short)
})

test('every kind is drawn, and each fault has ended when the run does', () => {
  const faults = drawSchedule(options(1, { durationMs: 1_200_000 }))
  expect(Object.keys(countFaults(faults)).toSorted()).toEqual(FAULT_KINDS.toSorted())
  for (const fault of faults) {
    expect(fault.atMs + ('forMs' in fault ? fault.forMs : 0)).toBeLessThanOrEqual(1_200_000)
    if (fault.kind === 'pause') expect(fault.forMs).toBeGreaterThan(4000)
    if (fault.kind === 'reassign') expect(new Set(fault.replicas).size).toBe(fault.replicas.length)
    if (fault.kind === 'power-loss') expect([1, 2]).toContain(fault.brokers.length)
  }
})

test('one replica loses no power and does not move', () => {
  const kinds = Object.keys(countFaults(drawSchedule(options(1, { durationMs: 1_200_000, replicationFactor: 1 }))))
  expect(kinds).toContain('kill')
  for (const kind of ['power-loss', 'reassign', 'elect']) expect(kinds).not.toContain(kind)
})

test('only the kinds that are asked for', () => {
  expect(Object.keys(countFaults(drawSchedule(options(3, { durationMs: 300_000, kinds: ['kill', 'pause'] })))).toSorted()).toEqual([
    'kill',
    'pause',
  ])
})

test('a fault is described in one line', () => {
  expect(describeFault({ atMs: 2500, kind: 'cut', ends: [0, 'zookeeper'], how: 'refuse', forMs: 1000 })).toBe(
    '   2.5 s  cut  ends 0,zookeeper  how refuse  forMs 1000',
  )
})
