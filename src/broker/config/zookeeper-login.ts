import { isIPv6 } from 'node:net'
import type { Disk } from '../../base/disk.ts'
import type { BrokerConfig } from './broker-config.ts'
import type { JaasEntry } from './jaas.ts'
import { parseJaasFile } from './jaas-file.ts'
import { ConfigError } from './parse.ts'

const FILE_KEY = 'java.security.auth.login.config'
const DIGEST_MODULE = 'org.apache.zookeeper.server.auth.DigestLoginModule'

/** HOST:PORT,HOST:PORT/chroot. ConfigError says what to write instead. */
export const parseConnect = (text: string): { servers: { host: string; port: number }[]; chroot: string } => {
  const at = text.indexOf('/')
  const chroot = at < 0 ? '' : text.slice(at).replace(/\/$/, '')
  const servers = (at < 0 ? text : text.slice(0, at)).split(',').map((server) => {
    const [, host, port] = /^\s*\[?([^\]\s]+?)\]?(?::(\d+))?\s*$/.exec(server) ?? []
    // What is left of a port that is no number is in the host: only an address of IPv6 has colons.
    if (host === undefined || (/[:;]/.test(host) && !isIPv6(host)) || Number(port ?? 2181) > 65_535 || port === '0')
      throw new ConfigError(
        'zookeeper.connect',
        `zookeeper.connect: "${server.trim()}" must be HOST:PORT, and several with commas between: zk1:2181,zk2:2181/chroot`,
      )
    return { host, port: Number(port ?? 2181) }
  })
  return { servers, chroot }
}

/** The sections of the file that java.security.auth.login.config names; none where the key is absent. ConfigError where it cannot be read. */
export const jaasSections = (config: BrokerConfig, disk: Disk): ReadonlyMap<string, JaasEntry[]> => {
  const path = config.get(FILE_KEY)
  if (path === null) return new Map()
  let text: string
  try {
    text = disk.readFile(path).toString('utf8')
  } catch (cause) {
    throw new ConfigError(FILE_KEY, `${FILE_KEY}=${path}: the file cannot be read: ${(cause as Error).message}`)
  }
  return parseJaasFile(FILE_KEY, path, text)
}

const digestLogin = (entry: JaasEntry, where: string): { username: string; password: string } => {
  const { module, options } = entry
  if (module !== DIGEST_MODULE)
    throw new ConfigError(FILE_KEY, `${where} names the login module ${module}; served is ${DIGEST_MODULE} (DIGEST-MD5)`)
  const username = options.get('username')
  const password = options.get('password')
  if (username === undefined || password === undefined)
    throw new ConfigError(FILE_KEY, `${where} must give username="..." and password="..."`)
  return { username, password }
}

/**
 * How this broker logs in to ZooKeeper, or undefined: it does not. As JaasUtils.isZkSaslEnabled: a section without zookeeper.sasl.client is a contradiction; so is
 * zookeeper.set.acl without a login. ConfigError.
 */
export const zooKeeperLogin = (config: BrokerConfig, disk: Disk): { username: string; password: string } | undefined => {
  const section = config.get('zookeeper.sasl.clientconfig') ?? 'Client'
  const where = `section ${section} of ${FILE_KEY}=${config.get(FILE_KEY)}`
  const entry = jaasSections(config, disk).get(section)?.[0]
  if (!entry) {
    if (!config.get('zookeeper.set.acl')) return undefined
    const missing = config.get(FILE_KEY) === null ? `${FILE_KEY} is not set` : `${where} is missing`
    throw new ConfigError(
      'zookeeper.set.acl',
      `zookeeper.set.acl=true needs a login to ZooKeeper, and ${missing}: write ${section} { ${DIGEST_MODULE} required username="..." password="..."; }; into that file`,
    )
  }
  if (!config.get('zookeeper.sasl.client'))
    throw new ConfigError('zookeeper.sasl.client', `zookeeper.sasl.client=false contradicts the ${where}: remove one of them`)
  return digestLogin(entry, where)
}
