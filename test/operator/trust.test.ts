import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FaultProxy } from '../support/fault-proxy.ts'
import { eventually } from '../support/net.ts'
import { slowness } from '../support/slowness.ts'
import { startEmbeddedLab } from './support/embedded-lab.ts'
import { topic } from './support/objects.ts'
import { OperatorLab } from './support/operator-lab.ts'
import { expectQuiet } from './support/quiet.ts'
import { scrape, valueOf } from './support/scrape.ts'

describe('an operator that can be trusted, on an API server', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startEmbeddedLab))
  afterAll(() => place.stop())

  test(
    'writes nothing, to Kubernetes or to Kafka, when nothing changed',
    () => expectQuiet(place, { topics: 200, users: 20, resyncs: 10 }),
    180_000,
  )

  test('finds by its periodic list what a connection that fell silent never told, and takes it up once', async () => {
    await place.operator.stop()
    const proxy = new FaultProxy(place.connection)
    place.operator = await place.startOperator({ connection: await proxy.start(), relistMs: 1000 })
    await place.operator.leading
    const { namespace, kafka } = await place.servedCluster()
    await eventually(() => proxy.watching >= 7, { timeoutMs: 30_000 })
    const restarts = async () => valueOf(await scrape(place.operator), 'sofakafka_operator_watch_restarts_total', { kind: 'Topic' })
    proxy.fault = 'silent'
    const before = await restarts()
    const object = topic('unseen', namespace)
    await place.put(object)
    const startMs = performance.now()
    await place.becomes(object, 'Ready')
    const tookMs = performance.now() - startMs
    expect(tookMs).toBeLessThan((1000 + 10_000) * slowness())
    expect(await restarts()).toBeGreaterThan(before)
    proxy.fault = 'none'

    proxy.fault = 'gone'
    proxy.cutWatches()
    const other = topic('after-410', namespace)
    await place.put(other)
    await place.becomes(other, 'Ready')
    expect(kafka.writes.filter((what) => what.startsWith('create'))).toEqual(['create unseen', 'create after-410'])
    await place.operator.stop()
    await proxy.stop()
    await place.restartOperator()
  }, 90_000)
})
