import { join } from 'node:path'
import type { MonotonicClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import { type BrokerInfo, brokerIdZnode, BROKER_SEQUENCE } from './znodes/broker-id.ts'
import { clusterIdZnode } from './znodes/cluster-id.ts'
import { controllerZnode } from './znodes/controller.ts'

/** Beside meta.properties: the ZooKeeper session of the last registration from this directory. Ours, so Apache's broker ignores it. */
const SESSION_FILE = 'registration.sofakafka'

export type RegistrationOptions = {
  zookeeper: ZooKeeperClient
  clock: MonotonicClock
  disk: Disk
  /** A log directory that works; this process holds its lock. */
  logDir: string
  logger: Logger
}

/** The cluster's id; whoever comes first makes it up. `newId` gives 22 characters of base64url. */
export const clusterIdOf = async (zookeeper: ZooKeeperClient, newId: () => string): Promise<string> => {
  const found = await unlessRefused(zookeeper.get(clusterIdZnode.path), 'NO_NODE')
  if (found) return clusterIdZnode.decode(found.data ?? Buffer.alloc(0))
  await zookeeper.makePath('/cluster')
  await unlessRefused(zookeeper.create(clusterIdZnode.path, clusterIdZnode.encode(newId())), 'NODE_EXISTS')
  return clusterIdOf(zookeeper, newId)
}

/** An id for a broker that has none: above reserved.broker.max.id, never given twice. */
export const generateBrokerId = async (zookeeper: ZooKeeperClient, reservedMaxId: number): Promise<number> => {
  await zookeeper.makePath(BROKER_SEQUENCE)
  const { version } = await zookeeper.set(BROKER_SEQUENCE, Buffer.alloc(0), -1)
  return reservedMaxId + version
}

const lastSession = (disk: Disk, path: string): bigint | undefined => {
  if (!disk.stat(path)) return undefined
  const text = disk.readFile(path).toString('utf8').trim()
  return /^0x[0-9a-f]+$/.test(text) ? BigInt(text) : undefined
}

/**
 * Removes an ephemeral znode that the dead predecessor of this process left: the one with the session that this directory's file names. This process holds
 * the directory's lock, so the predecessor is gone, and waiting for its session to expire would only lengthen the outage.
 */
const removeLeftover = async ({ zookeeper, logger }: RegistrationOptions, path: string, session: bigint): Promise<void> => {
  const stat = await zookeeper.exists(path)
  if (stat?.ephemeralOwner !== session) return
  await unlessRefused(zookeeper.delete(path, stat.version), 'NO_NODE', 'BAD_VERSION')
  logger.info({ path, session: `0x${session.toString(16)}` }, 'removed what the last run of this broker left in ZooKeeper')
}

/** One attempt: the epoch (czxid), or undefined while another session holds the znode. */
const tryRegister = async (zookeeper: ZooKeeperClient, info: BrokerInfo): Promise<bigint | undefined> => {
  const path = brokerIdZnode.path(info.id)
  try {
    const [, written] = await zookeeper.multi([
      { type: 'create', path, data: null, mode: 'ephemeral' },
      { type: 'set', path, data: brokerIdZnode.encode(info), version: 0 },
    ])
    if (written?.type === 'set') return written.stat.czxid
    throw new Error('ZooKeeper answered a registration without a stat')
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS', 'CONNECTION_LOSS')) throw error
  }
  const stat = await zookeeper.exists(path)
  return stat?.ephemeralOwner === zookeeper.sessionId ? stat.czxid : undefined
}

/** Without the file the next start after a crash waits for this session to end; so a disk that fails here must not keep the broker out. */
const remember = async ({ zookeeper, disk, logger }: RegistrationOptions, file: string): Promise<void> => {
  try {
    await disk.replaceFile(file, Buffer.from(`0x${zookeeper.sessionId.toString(16)}\n`))
  } catch (err) {
    logger.warn({ err, file }, 'the session could not be written down')
  }
}

/**
 * Registers a broker and gives its epoch. While another session holds the id it waits, at most one session time-out and a little more, since a predecessor
 * elsewhere may still have to expire; then it throws: two brokers have the same id.
 */
export const register = async (options: RegistrationOptions, info: BrokerInfo): Promise<bigint> => {
  const { zookeeper, clock, disk, logDir, logger } = options
  const file = join(logDir, SESSION_FILE)
  const session = lastSession(disk, file)
  if (session !== undefined && session !== zookeeper.sessionId) {
    await removeLeftover(options, brokerIdZnode.path(info.id), session)
    await removeLeftover(options, controllerZnode.path, session)
  }
  const endsMs = clock.nowMs() + zookeeper.sessionTimeoutMs * 1.5
  for (let isFirst = true; ; isFirst = false) {
    const epoch = await tryRegister(zookeeper, info)
    if (epoch !== undefined) {
      await remember(options, file)
      return epoch
    }
    if (clock.nowMs() > endsMs)
      throw new Error(`broker id ${info.id} is registered by another broker; give this one an id of its own (broker.id)`)
    if (isFirst) logger.warn({ brokerId: info.id }, 'the broker id is still registered, waiting for that session to end')
    await clock.sleep(200)
  }
}

/** Takes the broker out of the cluster at once instead of after the session time-out. */
export const unregister = async (zookeeper: ZooKeeperClient, brokerId: number): Promise<void> => {
  await zookeeper.delete(brokerIdZnode.path(brokerId), -1).catch((error: unknown) => {
    if (!isZooKeeperError(error)) throw error
  })
}
