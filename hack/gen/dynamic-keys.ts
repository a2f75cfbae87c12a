// The keys that the operator changes without a restart, from the broker's own table: the operator may not import the broker.
import { kafkaKeys } from '../../src/broker/config/broker-config.ts'
import type { Key } from '../../src/broker/config/key.ts'

export const dynamicKeys = (): [path: string, text: string][] => {
  const keys = Object.entries(kafkaKeys as Record<string, Key<unknown>>)
    .filter(([, { scope, type }]) => scope === 'cluster-wide' && type !== 'password')
    .map(([name]) => name)
    .sort()
  const text = `// Generated from src/broker/config/keys by \`npm run gen\`. Do not edit.
/** Kafka's keys that can be set for all brokers at run time (DynamicBrokerConfig of Kafka 2.6, cluster-wide). */
export const DYNAMIC_KEYS: ReadonlySet<string> = new Set([
${keys.map((name) => `  '${name}',`).join('\n')}
])
`
  return [['src/operator/cluster/config/dynamic-keys.ts', text]]
}
