import { join } from 'node:path'
import { parseDirectoryName, type PartitionDirectory } from './file-names.ts'
import { loadLog } from './load-log.ts'
import type { LogConfig } from './log-config.ts'
import { partitionKey } from '../base/topic-partition.ts'
import type { LogDirectory } from './log-directory.ts'
import type { LogContext } from './log-context.ts'
import { Log } from './log.ts'

export type DirectoryLoad = { configOf: (topic: string) => LogConfig; threads: number }
/** The event loop goes round after so much loading: a ZooKeeper session may be alive meanwhile. */
const BREATHE_MS = 20

/** All partitions of an open log directory; `threads` are loaded at a time. Directories that were renamed to be deleted are deleted later. */
export const loadDirectory = async (store: LogDirectory, context: LogContext, load: DirectoryLoad): Promise<Log[]> => {
  const { disk, trash, logger, clocks } = { ...context, disk: context.files.disk }
  const isClean = store.wasStoppedCleanly
  const recoveryPoints = store.readCheckpoint('recovery-point-offset-checkpoint')
  const startOffsets = store.readCheckpoint('log-start-offset-checkpoint')
  const highWatermarks = store.readCheckpoint('replication-offset-checkpoint')
  const logs: Log[] = []
  const startedMs = clocks.monotonic.nowMs()
  const entries = disk.list(store.path).filter((entry) => entry.isDirectory)
  const queue = entries.values()
  let breathedMs = startedMs

  const loadOne = async (name: string, { topic, partition }: PartitionDirectory): Promise<void> => {
    const key = partitionKey({ topic, partition })
    const offsets = {
      recoveryPoint: recoveryPoints.get(key) ?? 0,
      logStartOffset: startOffsets.get(key),
      highWatermark: highWatermarks.get(key) ?? 0,
    }
    const state = await loadLog(
      { topic, partition, path: join(store.path, name), config: load.configOf(topic), isClean, ...offsets },
      context,
    )
    logs.push(new Log(state, context))
    if (clocks.monotonic.nowMs() - breathedMs < BREATHE_MS) return
    await clocks.monotonic.sleep(0)
    breathedMs = clocks.monotonic.nowMs()
  }

  const loadSome = async (): Promise<void> => {
    for (const { name } of queue) {
      const parsed = parseDirectoryName(name)
      if (parsed?.state === 'current') await loadOne(name, parsed)
      else if (parsed?.state === 'delete') trash.removeLater([join(store.path, name)], load.configOf(parsed.topic).fileDeleteDelayMs)
      else
        logger.warn(
          { directory: join(store.path, name) },
          parsed ? 'moving partitions between log directories is not supported: left alone' : 'not a partition: left alone',
        )
    }
  }
  await Promise.all(Array.from({ length: load.threads }, loadSome))
  logger.info({ directory: store.path, logs: logs.length, isClean, ms: Math.round(clocks.monotonic.nowMs() - startedMs) }, 'logs loaded')
  return logs
}
