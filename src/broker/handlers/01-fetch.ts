import type { fetch } from '../../protocol/api/01-fetch.ts'
import { codeOf, KafkaError } from '../../protocol/errors.ts'
import { toNumber } from '../../protocol/int64.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Context } from '../context.ts'
import { downConverted, type OldMagic } from '../down-conversion.ts'
import type { FetchedPartition, FetchReply } from '../fetch-frame.ts'
import { FetchWaiter } from '../fetch-waiter.ts'
import type { Answer, Handler } from '../handler.ts'
import type { Fetched, Partition } from '../partition.ts'

type Api = typeof fetch
type Request = RequestOf<Api>
type Wanted = Request['topics'][number]['fetchPartitions'][number]

const MAGIC_1_SINCE = 2
/** From here on a first batch beyond the limits comes whole; before, it is cut, and the client sees that its limit is too small. */
const WHOLE_BATCH_SINCE = 3
const MAGIC_2_SINCE = 4
const ZSTD_SINCE = 10
const READ_COMMITTED = 1
/** Converted records are in memory until they are sent, so there are never many at a time. */
const MAX_CONVERTED_BYTES = 4_194_304

const NOTHING = { highWatermark: -1, lastStableOffset: -1, logStartOffset: -1, aborted: null, records: undefined }

/** One pass over the partitions of a request: what can be read now, within the limits. */
class FetchPass {
  readonly #request: Request
  readonly #context: Context
  readonly #isFollower: boolean
  #leftBytes: number
  #needsOneBatch: boolean
  bytes = 0
  hasError = false
  /** Where more may come. */
  readonly partitions: Partition[] = []
  /** `end` as this pass saw it. */
  endWhenRead = 0
  /** Changes when one of them gets more. */
  get end(): number {
    return this.partitions.reduce((sum, { log }) => sum + log.logEndOffset + log.highWatermark, 0)
  }

  constructor(request: Request, context: Context) {
    this.#request = request
    this.#context = context
    this.#isFollower = request.replicaId >= 0
    const isOld = context.apiVersion < MAGIC_2_SINCE
    const limitBytes = Math.min(request.maxBytes, context.broker.config.get('fetch.max.bytes'))
    this.#leftBytes = isOld ? Math.min(limitBytes, MAX_CONVERTED_BYTES) : limitBytes
    this.#needsOneBatch = context.apiVersion >= WHOLE_BATCH_SINCE
  }

  /** In the order of the request: earlier partitions take of the limit first. */
  async run(): Promise<FetchReply> {
    const topics: FetchReply['topics'][number][] = []
    for (const { name, fetchPartitions } of this.#request.topics) {
      const partitions: FetchedPartition[] = []
      for (const wanted of fetchPartitions) {
        const read = this.#read(name, wanted)
        partitions.push(read instanceof Promise ? await read : read)
      }
      topics.push({ name, partitions })
    }
    return { errorCode: 0, topics }
  }

  #read(topic: string, wanted: Wanted): FetchedPartition | Promise<FetchedPartition> {
    try {
      const { broker } = this.#context
      if (!this.#isFollower) this.#context.authorize('READ', 'TOPIC', topic)
      const partition = broker.partitions.leader(topic, wanted.partitionIndex, wanted.currentLeaderEpoch)
      this.#checkFormat(partition)
      this.partitions.push(partition)
      this.endWhenRead += partition.log.logEndOffset + partition.log.highWatermark
      const offset = toNumber(wanted.fetchOffset)
      if (this.#isFollower)
        partition.followerFetched(this.#request.replicaId, {
          fetchOffset: offset,
          logStartOffset: toNumber(wanted.logStartOffset),
          nowMs: broker.clocks.monotonic.nowMs(),
        })
      const fetched = partition.fetch({
        offset,
        maxBytes: Math.min(wanted.maxBytes, this.#leftBytes),
        minOneBatch: this.#needsOneBatch,
        mayCutFirstBatch: this.#context.apiVersion < WHOLE_BATCH_SINCE,
        upTo: this.#isFollower ? 'logEnd' : 'highWatermark',
      })
      if (!(fetched instanceof Promise)) return this.#take(wanted, fetched)
      return fetched.then(
        (done) => this.#take(wanted, done),
        (thrown: unknown) => this.#fail(wanted, thrown),
      )
    } catch (thrown) {
      return this.#fail(wanted, thrown)
    }
  }

  #checkFormat({ log }: Partition): void {
    const { apiVersion } = this.#context
    if (apiVersion < ZSTD_SINCE && log.config.compressionType === 'zstd') throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE')
    if (apiVersion < MAGIC_2_SINCE && !log.config.messageDownconversionEnable) throw new KafkaError('UNSUPPORTED_VERSION')
  }

  #take({ partitionIndex }: Wanted, { highWatermark, lastStableOffset, logStartOffset, records }: Fetched): FetchedPartition {
    const sizeBytes = records?.sizeBytes ?? 0
    this.bytes += sizeBytes
    this.#leftBytes = Math.max(0, this.#leftBytes - sizeBytes)
    if (sizeBytes > 0) this.#needsOneBatch = false
    const aborted = this.#request.isolationLevel === READ_COMMITTED ? [] : null
    return { partitionIndex, errorCode: 0, highWatermark, lastStableOffset, logStartOffset, aborted, records }
  }

  #fail({ partitionIndex }: Wanted, thrown: unknown): FetchedPartition {
    this.hasError = true
    if (!(thrown instanceof KafkaError)) this.#context.broker.logger.error({ err: thrown, partition: partitionIndex }, 'fetch failed')
    return { ...NOTHING, partitionIndex, errorCode: codeOf(thrown) }
  }
}

/** Asks again whenever one of the partitions has more, until there is enough, an error, or no more time. */
const fetchWaiting = async (request: Request, context: Context): Promise<FetchReply> => {
  const first = new FetchPass(request, context)
  let reply = await first.run()
  if (first.hasError || first.bytes >= request.minBytes || request.maxWait <= 0 || first.partitions.length === 0) return reply
  const { clocks } = context.broker
  const waiter = new FetchWaiter(first.partitions, {
    clock: clocks.monotonic,
    maxWaitMs: request.maxWait,
    signal: context.peer.closed,
  })
  try {
    for (let isSame = first.endWhenRead === first.end; ; isSame = true) {
      if (isSame && !waiter.isExpired) await waiter.changed()
      const pass = new FetchPass(request, context)
      reply = await pass.run()
      if (waiter.isExpired || pass.hasError || pass.bytes >= request.minBytes) return reply
    }
  } finally {
    waiter.end()
  }
}

const convertPartition = async (partition: FetchedPartition, firstOffset: number, toMagic: OldMagic, context: Context) => {
  if (!partition.records) return partition
  try {
    return { ...partition, records: await downConverted(partition.records, { toMagic, firstOffset, pool: context.broker.pool }) }
  } catch (thrown) {
    return { ...NOTHING, partitionIndex: partition.partitionIndex, errorCode: codeOf(thrown) }
  }
}

/** For clients older than record batches of magic 2. */
const convert = async (reply: FetchReply, request: Request, context: Context): Promise<FetchReply> => {
  const toMagic = context.apiVersion < MAGIC_1_SINCE ? 0 : 1
  const topics = await Promise.all(
    reply.topics.map(async ({ name, partitions }, topic) => ({
      name,
      partitions: await Promise.all(
        partitions.map((partition, index) =>
          convertPartition(partition, toNumber(request.topics[topic]!.fetchPartitions[index]!.fetchOffset), toMagic, context),
        ),
      ),
    })),
  )
  return { errorCode: 0, topics }
}

const count = ({ topics }: FetchReply, { broker: { metrics } }: Context): void => {
  for (const { name, partitions } of topics) {
    for (const { errorCode, records } of partitions) {
      metrics.topic(name, 'fetches')
      if (errorCode !== 0) metrics.topic(name, 'failedFetches')
      if (records) metrics.topic(name, 'bytesOut', records.sizeBytes)
    }
  }
}

const answer = async (request: Request, context: Context): Promise<Answer<FetchReply>> => {
  const reply = await fetchWaiting(request, context)
  count(reply, context)
  return context.apiVersion < MAGIC_2_SINCE ? convert(reply, request, context) : reply
}

/** Reads from the log when the answer goes out, slice by slice; until then only the places are known. Incremental fetch sessions are not kept. */
export const handleFetch: Handler<Api, FetchReply> = (request, context) => {
  if (request.sessionId !== 0 && request.epoch > 0) throw new KafkaError('FETCH_SESSION_ID_NOT_FOUND')
  if (request.replicaId >= 0) context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  return answer(request, context)
}

export const refuseFetch = ({ topics }: Request, { code }: { code: number }): FetchReply => ({
  errorCode: code,
  topics: topics.map(({ name, fetchPartitions }) => ({
    name,
    partitions: fetchPartitions.map(({ partitionIndex }) => ({ ...NOTHING, partitionIndex, errorCode: code })),
  })),
})
