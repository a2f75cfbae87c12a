import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { WorkerPool } from '../base/worker-pool.ts'
import type { Flusher } from './flusher.ts'
import type { LogDirectory } from './log-directory.ts'
import type { OpenFiles } from './open-files.ts'
import type { Trash } from './trash.ts'
import type { PageCacheShare } from './warm-writes.ts'

/** What all logs of a directory share. */
export type LogContext = {
  store: LogDirectory
  files: OpenFiles
  flusher: Flusher
  trash: Trash
  pageCache: PageCacheShare
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  /** 0 <= x < 1; for the jitter of segment.jitter.ms. */
  random: () => number
  logger: Logger
  /** transactional.id.expiration.ms: a producer that has not written for so long is forgotten. */
  producerExpirationMs: number
  /** Threads see the real disk only. */
  pool: WorkerPool | undefined
}
