import type { Logger } from '../../base/logger.ts'
import type { WallClock } from '../../base/clock.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import { watchChildren } from '../../zookeeper/watching.ts'

/** Kafka removes a notification after this time; every broker has read it by then, or reads everything anew at its start. */
const KEEP_MS = 15 * 60_000

export type NotificationOptions = {
  zookeeper: ZooKeeperClient
  /** The parent of the sequential znodes. */
  parent: string
  /** Brings what the notification names up to date. What it throws is logged, and the next notification is read. */
  process(path: string, data: Buffer): Promise<void>
  wall: WallClock
  logger: Logger
}

/** The number at the end of a sequential name; undefined for anything else. */
const sequenceOf = (name: string): number | undefined => {
  const digits = /\d{10}$/.exec(name)?.[0]
  return digits === undefined ? undefined : Number(digits)
}

const processOne = async (options: NotificationOptions, name: string): Promise<void> => {
  const { zookeeper, parent, wall, logger } = options
  const path = `${parent}/${name}`
  try {
    const { data, stat } = await zookeeper.get(path)
    await options.process(path, data ?? Buffer.alloc(0))
    if (wall.nowMs() - stat.ctime > KEEP_MS) await zookeeper.delete(path, -1)
  } catch (error) {
    if (isZooKeeperError(error, 'SESSION_EXPIRED')) throw error
    if (!isZooKeeperError(error, 'NO_NODE')) logger.error({ path, err: error }, 'a change notification could not be used')
  }
}

/**
 * Follows a directory of change notifications until the session ends. The ones that are there at the start are processed too: what they name may have changed
 * between the first reading of everything and now.
 */
export const followNotifications = async (options: NotificationOptions): Promise<void> => {
  let seen = -1
  try {
    for await (const listed of watchChildren(options.zookeeper, options.parent)) {
      const fresh = (listed?.children ?? [])
        .map((name) => ({ name, sequence: sequenceOf(name) ?? -1 }))
        .filter(({ sequence }) => sequence > seen)
        .sort((a, b) => a.sequence - b.sequence)
      for (const { name, sequence } of fresh) {
        await processOne(options, name)
        seen = sequence
      }
    }
  } catch (error) {
    if (!isZooKeeperError(error, 'SESSION_EXPIRED')) throw error
  }
}
