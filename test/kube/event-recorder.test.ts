import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { EventRecorder } from '../../src/kube/event-recorder.ts'
import type { Event } from '../../src/kube/resources.ts'
import type { Kube, KubeObject } from '../../src/kube/types.ts'
import { ManualClock } from '../support/manual-clock.ts'

const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n', uid: 'u' } }
const event = (note: string) => ({ type: 'Normal', reason: 'Changed', action: 'Reconcile', note }) as const

describe('events', () => {
  const start = () => {
    const clock = new ManualClock()
    const written: string[] = []
    const create = (_resource: unknown, { note }: Event) => Promise.resolve(void written.push(note!))
    const place = { isBusy: true, written, clock }
    const recorder = new EventRecorder({
      kube: { create } as unknown as Kube,
      clock: { nowMs: () => 0 },
      monotonic: clock,
      logger: silentLogger,
      controller: 'c',
      instance: 'i',
      isBusy: () => place.isBusy,
    })
    return Object.assign(place, { recorder })
  }

  test('are put off while there is more urgent work, and written after it', async () => {
    const place = start()
    await place.recorder.record(object, event('first'))
    await place.recorder.record(object, event('second'))
    await place.clock.advance(5000)
    expect(place.written).toEqual([])
    place.isBusy = false
    await place.clock.advance(1000)
    expect(place.written).toEqual(['first', 'second'])
  })

  test('are put off for a minute at most', async () => {
    const place = start()
    await place.recorder.record(object, event('first'))
    await place.clock.advance(59_000)
    expect(place.written).toEqual([])
    await place.clock.advance(2000)
    expect(place.written).toEqual(['first'])
  })

  test('are written at once when there are very many, and at the end', async () => {
    const many = start()
    for (let n = 0; n < 10_001; n++) await many.recorder.record(object, event(String(n)))
    await many.clock.advance(300)
    expect(many.written).not.toEqual([])
    const place = start()
    await place.recorder.record(object, event('first'))
    await place.recorder.flush()
    expect(place.written).toEqual(['first'])
  })
})
