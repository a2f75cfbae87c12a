import { RACK_AWARE_SELECTOR } from '../config/keys/cluster.ts'
import type { Context } from '../context.ts'
import type { FetchRequest } from '../partition.ts'
import type { FetchBody } from './wanted.ts'

/** From here on a first batch beyond the limits comes whole; before, it is cut, and the client sees that its limit is too small. */
const WHOLE_BATCH_SINCE = 3
export const MAGIC_2_SINCE = 4
/** Clients that know of closest replicas may read from followers (KIP-392). */
const CLOSEST_REPLICA_SINCE = 11
const READ_COMMITTED = 1
/** Converted records are in memory until they are sent, so there are never many at a time. */
const MAX_CONVERTED_BYTES = 4_194_304

/** What one Fetch request says of all its partitions: who reads, how far, and how much. */
export class FetchTerms {
  readonly context: Context
  /** The follower's broker id; -1 for consumers. */
  readonly followerId: number
  readonly upTo: FetchRequest['upTo']
  readonly mayReadFromFollower: boolean
  readonly wholeBatches: boolean
  readonly maxBytes: number
  readonly minBytes: number
  readonly maxWaitMs: number
  /** The consumer's rack, where it may be sent to a follower there; '' else. */
  readonly rackId: string
  /** Followers that are throttled have to wait. */
  readonly isOverQuota: boolean

  constructor(request: FetchBody, context: Context) {
    const { apiVersion, broker } = context
    this.context = context
    this.followerId = Math.max(-1, request.replicaId)
    const isReadCommitted = request.isolationLevel === READ_COMMITTED
    const upToOfConsumer = isReadCommitted ? 'lastStableOffset' : 'highWatermark'
    this.upTo = this.isFollower ? 'logEnd' : upToOfConsumer
    this.mayReadFromFollower = !this.isFollower && apiVersion >= CLOSEST_REPLICA_SINCE
    this.wholeBatches = apiVersion >= WHOLE_BATCH_SINCE
    const maxBytes = Math.min(request.maxBytes, broker.config.get('fetch.max.bytes'))
    this.maxBytes = apiVersion < MAGIC_2_SINCE ? Math.min(maxBytes, MAX_CONVERTED_BYTES) : maxBytes
    this.minBytes = Math.min(request.minBytes, this.maxBytes)
    this.maxWaitMs = request.maxWait
    this.rackId = this.mayReadFromFollower && broker.config.get('replica.selector.class') === RACK_AWARE_SELECTOR ? request.rackId : ''
    this.isOverQuota = this.isFollower && broker.leaderQuota.isExceeded
  }

  get isFollower(): boolean {
    return this.followerId >= 0
  }
}
