import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { credentialOfPassword, formatCredential, isScramMechanism } from '../../security/scram.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { listenersOf } from '../config/listeners.ts'
import type { ConfigStore } from '../metadata/config-store.ts'

/** The files of sofakafka.scram.bootstrap.dir: user name -> password. Entries that start with a dot are left out: mounted Secrets have such links. */
export const bootstrapUsers = (disk: Disk, directory: string): Map<string, string> =>
  new Map(
    disk
      .list(directory)
      .filter(({ name }) => !name.startsWith('.'))
      .map(({ name }) => [name, disk.readFile(join(directory, name)).toString('utf8').replace(/\n$/, '')]),
  )

/** Writes the SCRAM users of `passwords` that ZooKeeper lacks, for every SCRAM mechanism that is enabled on some listener. */
export const addFirstUsers = async (
  passwords: ReadonlyMap<string, string>,
  { config, configs, logger }: { config: BrokerConfig; configs: ConfigStore; logger: Logger },
): Promise<void> => {
  const enabled = listenersOf(config).flatMap(({ name }) => config.getForListener(name, 'sasl.enabled.mechanisms'))
  const mechanisms = [...new Set(enabled)].filter(isScramMechanism)
  for (const [username, password] of passwords) {
    const missing = mechanisms.filter((mechanism) => !configs.scram(mechanism, username))
    if (missing.length === 0) continue
    const texts = await Promise.all(
      missing.map(async (name) => [name, formatCredential(await credentialOfPassword(name, password))] as const),
    )
    // Another broker that starts at the same time may have been faster: its entry stays.
    await configs.change('users', username, (stored) => new Map([...texts, ...stored]))
    logger.info({ username, mechanisms: missing }, 'first user written')
  }
}
