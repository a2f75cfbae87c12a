import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import type { LogProducers } from './log-producers.ts'
import type { Segments } from './segments.ts'

/** What loading a partition's directory found, or what a new one begins with. */
export type LogState = {
  topic: string
  partition: number
  config: LogConfig
  segments: Segments
  logStartOffset: number
  logEndOffset: number
  highWatermark: number
  recoveryPoint: number
  epochs: LeaderEpochs
  producers: LogProducers
}
