import type { Disk } from '../../base/disk.ts'
import { BrokerConfig } from './broker-config.ts'
import type { JaasEntry } from './jaas.ts'
import { listenersOf } from './listeners.ts'
import { jaasSections } from './zookeeper-login.ts'

/** Mechanisms by the end of the login module's class name. */
const MECHANISMS: Record<string, readonly string[]> = {
  PlainLoginModule: ['plain'],
  ScramLoginModule: ['scram-sha-256', 'scram-sha-512'],
}

const escaped = (text: string): string => text.replace(/["\\]/g, '\\$&')
const format = ({ module, options }: JaasEntry): string =>
  `${module} required ${[...options].map(([name, value]) => `${name}="${escaped(value)}"`).join(' ')};`

/**
 * The properties with the logins of the JAAS file for listeners that have none of their own: section <listener>.KafkaServer, else KafkaServer, where Kafka looks last
 * too (JaasContext.loadServerContext). ConfigError where the file cannot be read.
 */
export const withServerLogins = (properties: ReadonlyMap<string, string>, disk: Disk): Map<string, string> => {
  const all = new Map(properties)
  const config = BrokerConfig.parse(properties)
  const sections = jaasSections(config, disk)
  if (sections.size === 0) return all
  for (const { name, protocol } of listenersOf(config)) {
    if (!protocol.startsWith('SASL_')) continue
    const listener = name.toLowerCase()
    for (const entry of sections.get(`${listener}.KafkaServer`) ?? sections.get('KafkaServer') ?? []) {
      for (const mechanism of MECHANISMS[entry.module.split('.').at(-1)!] ?? []) {
        const key = `listener.name.${listener}.${mechanism}.sasl.jaas.config`
        if (!all.has(key)) all.set(key, format(entry))
      }
    }
  }
  return all
}
