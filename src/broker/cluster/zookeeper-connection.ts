import type { MonotonicClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import { type Dial, tlsDial } from '../../zookeeper/socket.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { ConfigError } from '../config/parse.ts'
import { parseConnect, zooKeeperLogin } from '../config/zookeeper-login.ts'
import { protectedAcl } from '../metadata/znodes/protection.ts'
import { clientTlsFrom } from '../tls/material.ts'
import { zooKeeperKeys } from '../tls/ssl-keys.ts'

export type ConnectOptions = {
  config: BrokerConfig
  clocks: { monotonic: MonotonicClock }
  /** Holds the JAAS file. */
  disk: Disk
  logger: Logger
}

/** The files are read at the start, which fails where they cannot be used, and anew for each connection. */
const zooKeeperDial = (config: BrokerConfig, disk: Disk): Dial => {
  const material = () => clientTlsFrom(zooKeeperKeys(config), disk)
  material()
  return tlsDial(material)
}

/** A session below the chroot, which is made where it is missing. Throws ConfigError, or ZooKeeperError: AUTH_FAILED, CONNECTION_LOSS. */
export const connectZooKeeper = async ({ config, clocks, disk, logger }: ConnectOptions): Promise<ZooKeeperClient> => {
  const { servers, chroot } = parseConnect(config.get('zookeeper.connect'))
  const sessionTimeoutMs = config.get('zookeeper.session.timeout.ms')
  const login = zooKeeperLogin(config, disk)
  const options = {
    servers,
    sessionTimeoutMs,
    connectTimeoutMs: config.get('zookeeper.connection.timeout.ms') ?? sessionTimeoutMs,
    ...(login ? { saslDigest: login } : {}),
    ...(config.get('zookeeper.ssl.client.enable') ? { dial: zooKeeperDial(config, disk) } : {}),
    ...(config.get('zookeeper.set.acl') ? { aclOf: protectedAcl } : {}),
    clock: clocks.monotonic,
    logger,
  }
  const client = await ZooKeeperClient.connect({ ...options, chroot })
  if (chroot === '' || (await client.exists('/'))) return client
  const above = await ZooKeeperClient.connect(options)
  await above.makePath(chroot)
  await above.close()
  return client
}

const inWords = ({ config, disk }: ConnectOptions, error: unknown): unknown => {
  if (isZooKeeperError(error, 'CONNECTION_LOSS'))
    return new Error(`${error.message}; zookeeper.connect names the servers`, { cause: error })
  if (!isZooKeeperError(error, 'AUTH_FAILED')) return error
  const file = config.get('java.security.auth.login.config')
  const section = config.get('zookeeper.sasl.clientconfig') ?? 'Client'
  return new ConfigError(
    'java.security.auth.login.config',
    `ZooKeeper refuses the login as ${zooKeeperLogin(config, disk)?.username}: the username and password in section ${section} of ${file} must be those of a user in section Server of the JAAS file of ZooKeeper`,
  )
}

/** As connectZooKeeper, but a refused login is a ConfigError: the user learns which files must agree. */
export const connectInWords = async (options: ConnectOptions): Promise<ZooKeeperClient> => {
  try {
    return await connectZooKeeper(options)
  } catch (error) {
    throw inWords(options, error)
  }
}
