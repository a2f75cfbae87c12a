import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topics } from '../../src/api/index.ts'
import { conditionOf } from '../../src/kube/conditions.ts'
import { keyOf } from '../../src/kube/types.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import { eventually } from '../support/net.ts'
import { startEmbeddedLab } from './support/embedded-lab.ts'
import { topic } from './support/objects.ts'
import { OperatorLab } from './support/operator-lab.ts'
import { scrape, valueOf } from './support/scrape.ts'

const DEADLINE_MS = 1000

describe('a reconcile that hangs or fails, on an API server', () => {
  const place = new OperatorLab()
  beforeAll(async () => {
    await place.start(startEmbeddedLab)
    await place.operator.stop()
    place.operator = await place.startOperator({ deadlineMs: DEADLINE_MS })
    await place.operator.leading
  })
  afterAll(() => place.stop())

  test('is given up at its deadline and says which call hung, while others go on; afterwards it cannot act any more', async () => {
    const { namespace, kafka } = await place.servedCluster()
    const { createTopics } = kafka.admin
    let hangs = true
    let letGo = () => {}
    kafka.admin.createTopics = async (wanted) => {
      if (hangs && wanted.some(({ name }) => name === 'hangs')) await new Promise<void>((resolve) => (letGo = resolve))
      return createTopics(wanted)
    }
    const object = topic('hangs', namespace, { config: { 'retention.ms': 5 } })
    await place.put(object)
    const late = await place.becomes(object, 'Timeout')
    expect(conditionOf(late.status?.conditions, 'Ready')).toMatchObject({ status: 'False', observedGeneration: 1 })
    expect(conditionOf(late.status?.conditions, 'Reconciling')?.status).toBe('True')
    expect(conditionOf(late.status?.conditions, 'Ready')?.message).toContain(
      'given up after 1 s; it waited for kafka.admin.createTopics; it is tried again',
    )
    const other = topic('goes-on', namespace)
    await place.put(other)
    await place.becomes(other, 'Ready')

    // The run that was given up comes back: it has made the topic, and must not go on to anything else.
    hangs = false
    kafka.writes = []
    letGo()
    await place.becomes(object, 'Ready')
    expect(kafka.writes.filter((what) => what === 'create hangs').length).toBeLessThanOrEqual(2)
    const series = await scrape(place.operator)
    expect(valueOf(series, 'sofakafka_operator_reconciliations_timeouts_total', { kind: 'Topic' })).toBeGreaterThanOrEqual(1)
    expect(valueOf(series, 'strimzi_reconciliations_failed_total', { kind: 'KafkaTopic' })).toBeGreaterThanOrEqual(1)
  })

  test('is a series of its own while it is under way', async () => {
    await place.operator.stop()
    place.operator = await place.startOperator({ deadlineMs: 5000 })
    await place.operator.leading
    const { namespace, kafka } = await place.servedCluster()
    kafka.admin.describeTopics = () => new Promise(() => {})
    await place.put(topic('slow', namespace))
    const startedS = Date.now() / 1000
    const series = await eventually(
      async () => {
        const now = await scrape(place.operator)
        return now.some(({ name }) => name.includes('in_progress')) && now
      },
      { everyMs: 500 },
    )
    const labels = { kind: 'Topic', namespace, name: 'slow' }
    const startS = valueOf(series, 'sofakafka_operator_reconciliations_in_progress_start_time_seconds', labels)
    expect(Math.abs(startS - startedS)).toBeLessThan(2)
  })

  test('that fails again and again says so, and forgets it when it went well', async () => {
    const { namespace, kafka } = await place.servedCluster()
    const { describeTopics } = kafka.admin
    kafka.admin.describeTopics = () => Promise.reject(new KafkaError('REQUEST_TIMED_OUT', 'the brokers were busy'))
    const object = topic('fails', namespace)
    await place.put(object)
    const failed = await place.becomes(object, 'ReconcileFailed')
    expect(conditionOf(failed.status?.conditions, 'Ready')?.message).toMatch(/the last reconciles failed, it is tried again: .*busy/)
    kafka.admin.describeTopics = describeTopics
    await place.kube.patch(topics, keyOf(object), 'merge', { metadata: { annotations: { look: 'again' } } })
    await place.becomes(object, 'Ready')
  })
})
