import type { KeyChange } from '../../../client/config-resource.ts'
import type { BrokerSetting } from '../../../client/broker-config-admin.ts'
import { KafkaError } from '../../../client/broker-config-admin.ts'
import { keyOf } from '../../../kube/types.ts'
import type { Contact } from '../../kafka/contact.ts'
import { stalled } from '../../reasons.ts'
import { idOf, isZooKeeper } from '../pods/broker-pods.ts'
import { dynamicSettings } from './properties.ts'
import type { Finding, Pass, Step } from '../steps.ts'

/** The name of the record that says which keys the Cluster has set at run time. */
const RECORD = 'config'
const LOOK_AGAIN_MS = 5000

/** What one broker says of the keys in question. */
export type BrokerSettings = { id: number; settings: ReadonlyMap<string, BrokerSetting> }
type Situation = {
  /** Keys and values that the Cluster names. */
  wanted: ReadonlyMap<string, string>
  /** Keys that it named before. */
  recorded: readonly string[]
  /** What is set for all brokers at run time. */
  shared: ReadonlyMap<string, string | null>
  brokers: readonly BrokerSettings[]
}
type Plan = {
  changes: KeyChange[]
  /** Keys that were set for one broker alone, over what the Cluster says. */
  overrides: { id: number; keys: string[] }[]
  /** Brokers that began with a value of a key that is no longer named and that has no default to go back to. */
  restart: number[]
  /** Keys to remember as ours. */
  record: string[]
}

/**
 * What is to be done so that the brokers have what the Cluster says. A key that is no longer named goes back to Kafka's default: it is taken away, and as long as a
 * broker runs that began with the old value in its file, the default is set in its place.
 */
export const planSettings = ({ wanted, recorded, shared, brokers }: Situation): Plan => {
  const plan: Plan = { changes: [], overrides: [], restart: [], record: [...wanted.keys()] }
  for (const [key, value] of wanted) if (shared.get(key) !== value) plan.changes.push({ key, value })
  for (const { id, settings } of brokers) {
    const keys = [...wanted.keys()].filter((key) => settings.get(key)?.has('broker'))
    if (keys.length > 0) plan.overrides.push({ id, keys })
  }
  for (const key of recorded.filter((one) => !wanted.has(one))) {
    const holders = brokers.filter(({ settings }) => settings.get(key)?.has('file'))
    const value = holders[0]?.settings.get(key)?.get('default') ?? null
    if (holders.length > 0) plan.record.push(key)
    if (holders.length > 0 && value === null) plan.restart.push(...holders.map(({ id }) => id))
    if (value === null ? shared.has(key) : shared.get(key) !== value) plan.changes.push({ key, value })
  }
  plan.record.sort()
  return plan
}

/**
 * Sets those keys of spec.config that need no restart, and repairs them. Keys that the Cluster never named stay as somebody else set them. Comes before the files are
 * written: what Kafka refuses must not stop a broker at its next start.
 */
export const settings: Step = {
  name: 'settings',
  run: async (pass) => {
    const { contact, brokerIds } = pass.kafka
    if (!contact || !brokerIds) return undefined
    const wanted = dynamicSettings(pass.cluster)
    const recorded = (await contact.records.get('brokers', RECORD))?.config ?? []
    const keys = [...new Set([...wanted.keys(), ...recorded])]
    if (keys.length === 0) return undefined
    const asked = await Promise.allSettled(brokerIds.map((id) => askBroker(contact, id, keys)))
    const brokers = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    const plan = planSettings({ wanted, recorded, shared: await contact.brokerConfigs.shared(), brokers })
    const isComplete = brokers.length === brokerIds.length
    // Who could not be asked may still have the old value.
    const record = isComplete ? plan.record : [...new Set([...plan.record, ...recorded])].sort()
    return (await carryOut(pass, contact, { ...plan, record })) ?? (isComplete ? undefined : { requeueAfterMs: LOOK_AGAIN_MS })
  },
}

const askBroker = async (contact: Contact, id: number, keys: readonly string[]): Promise<BrokerSettings> => ({
  id,
  settings: await contact.brokerConfigs.ofBroker(id, keys),
})

/** The record grows before something is set and shrinks after it was taken away, so that an operator that is killed between them forgets nothing. */
const carryOut = async (pass: Pass, contact: Contact, { changes, overrides, restart, record }: Plan): Promise<Finding | undefined> => {
  const { environment, cluster } = pass
  const remember = (config: string[]) =>
    contact.records.put('brokers', RECORD, {
      owner: { ...keyOf(cluster), uid: cluster.metadata.uid ?? '' },
      deletionPolicy: 'Retain',
      config,
    })
  const leaving = changes.filter(({ key }) => !record.includes(key)).map(({ key }) => key)
  await remember([...record, ...leaving].sort())
  try {
    if (changes.length > 0) await contact.brokerConfigs.alterShared(changes)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    pass.keepsSettings = true
    pass.hold ??= 'Kafka refused the settings'
    const keys = changes.map(({ key }) => key).join(', ')
    return {
      verdict: stalled(
        'KafkaRefused',
        `config (${keys}) cannot be set: ${error.error}: ${error.message}; correct the value in spec.config`,
      ),
    }
  }
  for (const { id, keys } of overrides) {
    await contact.brokerConfigs.alterOwn(
      id,
      keys.map((key) => ({ key, value: null })),
    )
  }
  if (leaving.length > 0) await remember(record)
  for (const pod of pass.seen.pods.filter((one) => !isZooKeeper(one) && restart.includes(idOf(one))))
    pass.restarts.set(pod.metadata.name, 'a setting that it began with was taken away')
  if (changes.length === 0 && overrides.length === 0) return undefined
  const keys = [...new Set([...changes.map(({ key }) => key), ...overrides.flatMap((one) => one.keys)])]
  const note = `config ${keys.join(', ')} was changed without a restart`
  await environment.events.record(cluster, { type: 'Normal', reason: 'Changed', action: 'SetConfig', note })
  return undefined
}
