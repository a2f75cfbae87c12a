import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseProperties } from '../../../src/base/properties.ts'
import type { BrokerSetting } from '../../../src/client/broker-config-admin.ts'
import { kafkaKeys } from '../../../src/broker/config/broker-config.ts'
import * as resources from '../../../src/kube/resources.ts'
import { DYNAMIC_KEYS } from '../../../src/operator/cluster/config/dynamic-keys.ts'
import { planSettings } from '../../../src/operator/cluster/config/settings.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { eventually } from '../../support/net.ts'
import { startControlledLab } from '../support/embedded-lab.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const setting = (places: Partial<Record<'broker' | 'cluster' | 'file' | 'default', string>>): BrokerSetting =>
  new Map(Object.entries(places) as [keyof typeof places, string][])
const KEY = 'message.max.bytes'

describe('what is to be set at run time', () => {
  const plan = (options: { wanted?: string; recorded?: boolean; shared?: string; broker?: BrokerSetting }) => {
    const { wanted, recorded, shared, broker } = options
    return planSettings({
      wanted: new Map(wanted === undefined ? [] : [[KEY, wanted]]),
      recorded: recorded ? [KEY] : [],
      shared: new Map(shared === undefined ? [['theirs', 'x']] : [[KEY, shared], ['theirs', 'x']]), // prettier-ignore
      brokers: [{ id: 0, settings: new Map([[KEY, broker ?? setting({ default: '100' })]]) }],
    })
  }
  test.each([
    ['a key that is named is set', { wanted: '5' }, { changes: [{ key: KEY, value: '5' }], record: [KEY] }],
    ['one that drifted is repaired', { wanted: '5', recorded: true, shared: '6' }, { changes: [{ key: KEY, value: '5' }], record: [KEY] }],
    ['one that is as it should be is left', { wanted: '5', recorded: true, shared: '5' }, { changes: [], record: [KEY] }],
    [
      'one that was set for a single broker is put right',
      { wanted: '5', recorded: true, shared: '5', broker: setting({ broker: '7', cluster: '5' }) },
      { overrides: [{ id: 0, keys: [KEY] }], changes: [] },
    ],
    ['one that is named no longer is taken away', { recorded: true, shared: '5' }, { changes: [{ key: KEY, value: null }], record: [] }],
    [
      "while a broker runs that began with it, Kafka's default stands in its place",
      { recorded: true, shared: '5', broker: setting({ cluster: '5', file: '4', default: '100' }) },
      { changes: [{ key: KEY, value: '100' }], record: [KEY], restart: [] },
    ],
    [
      'where there is no default to say, that broker starts anew',
      { recorded: true, shared: '5', broker: setting({ cluster: '5', file: '4' }) },
      { changes: [{ key: KEY, value: null }], record: [KEY], restart: [0] },
    ],
    ['what somebody else set stays', { shared: '9' }, { changes: [], record: [] }],
  ])('%s', (_what, situation, expected) => {
    expect(plan(situation)).toMatchObject(expected)
  })

  test('the keys are those that the broker takes for all brokers at run time', () => {
    const scoped = Object.entries(kafkaKeys).flatMap(([name, key]) => ('scope' in key && key.scope === 'cluster-wide' ? [name] : []))
    expect([...DYNAMIC_KEYS].sort()).toEqual(scoped.sort())
  })
})

describe('the settings of a Cluster', () => {
  const place = new OperatorLab()
  const { put, readyOf, becomes, readyCluster } = place
  beforeAll(() => place.start(startControlledLab))
  afterAll(() => place.stop())
  const config = (values: Record<string, string | number>) => ({ config: values })
  const uids = async (namespace: string) =>
    (await place.kube.list(resources.pods, { namespace })).items
      .map(({ metadata }) => metadata.uid ?? '')
      .sort((a, b) => a.localeCompare(b))
  const fileOf = async (namespace: string) =>
    parseProperties((await place.kube.get(resources.configMaps, { namespace, name: 'ant-kafka' }))!.data!['server.properties']!)
  const events = async (namespace: string) => (await place.kube.list(resources.events, { namespace })).items

  test('that Kafka takes at run time are set without a restart, kept, and taken away again', async () => {
    const { namespace, object, kafka } = await readyCluster('ant', config({ [KEY]: 2000 }))
    const before = await uids(namespace)
    await eventually(() => kafka.brokerConfigs.set.get(KEY) === '2000')
    kafka.brokerConfigs.set.set('log.retention.bytes', 'by hand')
    for (const id of [0, 1, 2]) kafka.brokerConfigs.files.set(id, new Map([[KEY, '2000']]))
    await put(cluster('ant', namespace, config({ [KEY]: 3000 })))
    await eventually(() => kafka.brokerConfigs.set.get(KEY) === '3000')
    await eventually(async () => (await fileOf(namespace)).get(KEY) === '3000')
    kafka.brokerConfigs.set.set(KEY, '1')
    await kafka.brokerConfigs.alterOwn(1, [{ key: KEY, value: '7' }])
    await place.restartOperator()
    await eventually(() => kafka.brokerConfigs.set.get(KEY) === '3000' && !(KEY in kafka.brokerConfigs.throttleOf(1)))
    await put(cluster('ant', namespace))
    await eventually(() => kafka.brokerConfigs.set.get(KEY) === '1048588')
    kafka.brokerConfigs.files.clear()
    await place.restartOperator()
    await eventually(() => !kafka.brokerConfigs.set.has(KEY))
    expect(kafka.brokerConfigs.set.get('log.retention.bytes')).toBe('by hand')
    expect(await uids(namespace)).toEqual(before)
    await becomes(object, 'Ready')
    expect((await events(namespace)).map(({ note }) => note)).toContain(`config ${KEY} was changed without a restart`)
  }, 30_000)

  test('that Kafka reads at its start are rolled, with an event that names them', async () => {
    const { namespace } = await readyCluster('ant', config({ 'num.partitions': 2, 'queued.max.requests': 100 }))
    await put(cluster('ant', namespace, config({ 'num.partitions': 3, [KEY]: 3000 })))
    const event = await eventually(async () => (await events(namespace)).find(({ reason }) => reason === 'ConfigChangeRequiresRestart'))
    expect(event.note).toBe('Pod ant-kafka-2 is replaced: config num.partitions, config queued.max.requests changed')
  }, 30_000)

  test('that Kafka refuses are named, and no file holds them', async () => {
    const { namespace, object, kafka } = await readyCluster('ant', config({ [KEY]: 2000 }))
    const before = await uids(namespace)
    kafka.brokerConfigs.refusal = new KafkaError('INVALID_CONFIG', 'Invalid value -5')
    await put(cluster('ant', namespace, config({ [KEY]: -5, 'num.partitions': 3 })))
    await becomes(object, 'KafkaRefused')
    expect((await readyOf(object))?.message).toContain(
      `config (${KEY}) cannot be set: INVALID_CONFIG: Invalid value -5; correct the value in spec.config`,
    )
    expect((await fileOf(namespace)).get(KEY)).toBe('2000')
    expect(await uids(namespace)).toEqual(before)
    kafka.brokerConfigs.refusal = undefined
    await put(cluster('ant', namespace, config({ [KEY]: 5000 })))
    await becomes(object, 'Ready')
    expect((await fileOf(namespace)).get(KEY)).toBe('5000')
  }, 30_000)
})
