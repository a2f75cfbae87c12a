import { dirname, isAbsolute, join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { parseProperties } from '../base/properties.ts'
import { parseJaasUsers } from './jaas.ts'

export type ZooKeeperConfig = {
  dataDir: string
  /** Of the transaction log; dataDir unless given. */
  dataLogDir: string
  /** 0: any free port. */
  clientPort: number
  clientPortAddress: string
  tickTimeMs: number
  /** Connections of one IP address; 0 is unlimited. */
  maxClientCnxns: number
  minSessionTimeoutMs: number
  maxSessionTimeoutMs: number
  snapRetainCount: number
  /** Transactions between two snapshots. */
  snapCount: number
  commandWhitelist: readonly string[]
  /** `super:<base64 of sha1 of super:password>`: who logs in so passes every ACL. */
  superDigest?: string
  /** The SASL user that passes every ACL. */
  superUser?: string
  saslUsers: ReadonlyMap<string, string>
  /** From myid, the first byte of session ids; 0 without the file. */
  serverId: number
  /** What was read and has no effect here, in words. */
  warnings: readonly string[]
}

export class ZooConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ZooConfigError'
  }
}

const COMMANDS = ['conf', 'cons', 'envi', 'isro', 'mntr', 'ruok', 'srvr', 'stat']
/** Retaining fewer than three snapshots is not possible in Apache's either. */
const MIN_SNAPSHOTS = 3
/** Keys that mean something only in an ensemble, or configure parts that a one-node server does not have. */
const WITHOUT_EFFECT =
  /^(initLimit|syncLimit|electionAlg|cnxTimeout|connectToLearnerMasterLimit|peerType|syncEnabled|quorum\w*|standaloneEnabled|reconfigEnabled|localSessions\w*|admin\..*|metricsProvider\..*|autopurge\.purgeInterval|leaderServes|group\..*|weight\..*|preAllocSize|globalOutstandingLimit|fsync\..*|forceSync|extendedTypesEnabled|skipACL|clientPortListenBacklog|snapSizeLimitInKb|jvm\.pause\..*|requireClientAuthScheme|authProvider\..*|DigestAuthenticationProvider\.enabled)$/
const REFUSED: Record<string, string> = {
  secureClientPort: 'TLS is not served by the embedded ZooKeeper: remove secureClientPort and use clientPort, or run an Apache ZooKeeper',
  dynamicConfigFile: 'dynamicConfigFile belongs to an ensemble, which the embedded ZooKeeper is not: remove it, or run an Apache ZooKeeper',
}
const KNOWN = new Set([
  'dataDir',
  'dataLogDir',
  'clientPort',
  'clientPortAddress',
  'tickTime',
  'maxClientCnxns',
  'minSessionTimeout',
  'maxSessionTimeout',
  'autopurge.snapRetainCount',
  'snapCount',
  '4lw.commands.whitelist',
  'DigestAuthenticationProvider.superDigest',
  'superUser',
  'sofakafka.jaas.config',
])

const integer = (properties: Map<string, string>, key: string, standard: number, min: number, max = 0x7fff_ffff): number => {
  const text = properties.get(key)
  if (text === undefined) return standard
  const value = Number(text)
  if (Number.isInteger(value) && text !== '' && value >= min && value <= max) return value
  throw new ZooConfigError(`${key}=${text}: write a whole number from ${min} to ${max}`)
}

const refuseEnsemble = (properties: Map<string, string>): void => {
  for (const [key, reason] of Object.entries(REFUSED)) if (properties.has(key)) throw new ZooConfigError(reason)
  const servers = [...properties.keys()].filter((key) => /^server\.\d+$/.test(key))
  if (servers.length < 2) return
  throw new ZooConfigError(
    `${servers.join(', ')}: the embedded ZooKeeper is one node and cannot join an ensemble; remove the server.N lines, or run Apache ZooKeeper for ${servers.length} nodes`,
  )
}

const warningsOf = (properties: Map<string, string>): string[] => {
  const warnings: string[] = []
  for (const key of properties.keys()) {
    if (KNOWN.has(key)) continue
    if (WITHOUT_EFFECT.test(key)) warnings.push(`${key} has no effect in the embedded ZooKeeper`)
    else if (/^server\.\d+$/.test(key)) warnings.push(`${key} is ignored: one server is no ensemble`)
    else warnings.push(`${key} is no key that the embedded ZooKeeper knows; it is ignored`)
  }
  return warnings
}

const whitelist = (text = 'srvr'): string[] => {
  const names = text.split(',').map((name) => name.trim())
  return names.includes('*') ? COMMANDS : names.filter((name) => COMMANDS.includes(name))
}

const sessionTimeouts = (properties: Map<string, string>, tickTimeMs: number) => {
  const minSessionTimeoutMs = integer(properties, 'minSessionTimeout', -1, -1)
  const maxSessionTimeoutMs = integer(properties, 'maxSessionTimeout', -1, -1)
  const timeouts = {
    minSessionTimeoutMs: minSessionTimeoutMs === -1 ? tickTimeMs * 2 : minSessionTimeoutMs,
    maxSessionTimeoutMs: maxSessionTimeoutMs === -1 ? tickTimeMs * 20 : maxSessionTimeoutMs,
  }
  if (timeouts.minSessionTimeoutMs > timeouts.maxSessionTimeoutMs) {
    throw new ZooConfigError(
      `minSessionTimeout ${timeouts.minSessionTimeoutMs} is larger than maxSessionTimeout ${timeouts.maxSessionTimeoutMs}`,
    )
  }
  return timeouts
}

/** What the text of a zoo.cfg says; throws ZooConfigError. `users` and `serverId` come from other files. */
export const parseZooConfig = (
  text: string,
  files: { saslUsers?: ReadonlyMap<string, string>; serverId?: number } = {},
): ZooKeeperConfig => {
  const properties = new Map([...parseProperties(text)].map(([key, value]) => [key.trim(), value.trim()]))
  refuseEnsemble(properties)
  const dataDir = properties.get('dataDir')
  if (!dataDir) throw new ZooConfigError('dataDir is not set: write dataDir=<a directory of its own for this server>')
  if (!properties.has('clientPort')) throw new ZooConfigError('clientPort is not set: write clientPort=2181')
  const tickTimeMs = integer(properties, 'tickTime', 3000, 1)
  const superDigest = properties.get('DigestAuthenticationProvider.superDigest')
  const superUser = properties.get('superUser')
  return {
    dataDir,
    dataLogDir: properties.get('dataLogDir') ?? dataDir,
    clientPort: integer(properties, 'clientPort', 2181, 0, 65535),
    clientPortAddress: properties.get('clientPortAddress') ?? '0.0.0.0',
    tickTimeMs,
    maxClientCnxns: integer(properties, 'maxClientCnxns', 60, 0),
    ...sessionTimeouts(properties, tickTimeMs),
    snapRetainCount: Math.max(MIN_SNAPSHOTS, integer(properties, 'autopurge.snapRetainCount', MIN_SNAPSHOTS, 0)),
    snapCount: integer(properties, 'snapCount', 100_000, 2),
    commandWhitelist: whitelist(properties.get('4lw.commands.whitelist')),
    ...(superDigest === undefined ? {} : { superDigest }),
    ...(superUser === undefined ? {} : { superUser }),
    saslUsers: files.saslUsers ?? new Map(),
    serverId: files.serverId ?? 0,
    warnings: warningsOf(properties),
  }
}

const readMyid = (disk: Disk, dataDir: string): number => {
  const path = join(dataDir, 'myid')
  if (!disk.stat(path)) return 0
  const text = disk.readFile(path).toString('utf8').trim()
  const id = Number(text)
  if (/^\d+$/.test(text) && id <= 255) return id
  throw new ZooConfigError(`${path} holds '${text}': write one number from 0 to 255`)
}

/** Reads zoo.cfg, the myid beside the data, and the JAAS file that `sofakafka.jaas.config` names (relative to zoo.cfg). */
export const readZooConfig = (path: string, disk: Disk): ZooKeeperConfig => {
  if (!disk.stat(path)) throw new ZooConfigError(`${path} does not exist: give the path of a zoo.cfg`)
  const text = disk.readFile(path).toString('utf8')
  const config = parseZooConfig(text)
  const jaas = parseProperties(text).get('sofakafka.jaas.config')?.trim()
  if (jaas === undefined) return { ...config, serverId: readMyid(disk, config.dataDir) }
  const jaasPath = isAbsolute(jaas) ? jaas : join(dirname(path), jaas)
  if (!disk.stat(jaasPath)) throw new ZooConfigError(`sofakafka.jaas.config=${jaas}: ${jaasPath} does not exist`)
  return { ...config, saslUsers: parseJaasUsers(disk.readFile(jaasPath).toString('utf8')), serverId: readMyid(disk, config.dataDir) }
}
