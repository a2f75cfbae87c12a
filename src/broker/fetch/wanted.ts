import type { fetch } from '../../protocol/api/01-fetch.ts'
import type { Int64 } from '../../protocol/int64.ts'
import type { RequestOf } from '../../protocol/schema.ts'

export type FetchApi = typeof fetch
export type FetchBody = RequestOf<FetchApi>

/** A partition that a Fetch asks for, by itself or by its session. */
export type Wanted = {
  readonly topic: string
  readonly partitionIndex: number
  /** -1: the client knows none. */
  readonly currentLeaderEpoch: number
  readonly fetchOffset: Int64
  /** Of a follower's log; -1 from consumers. */
  readonly logStartOffset: Int64
  readonly maxBytes: number
}
