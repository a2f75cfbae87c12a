import { codeOf, errorCode } from '../../protocol/errors.ts'
import { toNumber } from '../../protocol/int64.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Context } from '../context.ts'
import { downConverted, type OldMagic } from '../fetch/down-conversion.ts'
import type { FetchedPartition, FetchReply } from '../fetch/frame.ts'
import { failedPartition, FetchPass } from '../fetch/pass.ts'
import type { FetchAsked } from '../fetch/sessions.ts'
import { FetchTerms, MAGIC_2_SINCE } from '../fetch/terms.ts'
import type { FetchApi, FetchBody, Wanted } from '../fetch/wanted.ts'
import { FetchWaiter } from '../fetch/waiter.ts'
import type { Answer, Handler } from '../handler.ts'

const MAGIC_1_SINCE = 2
const NO_SESSION = 0

/** Asks again whenever one of the partitions has more, until there is enough, something urgent, or no more time. */
const waitForMore = async (first: FetchPass, wanted: Iterable<Wanted>, terms: FetchTerms): Promise<FetchPass> => {
  const { broker, peer } = terms.context
  const waiter = new FetchWaiter(first.partitions, {
    awaits: terms.isFollower ? 'logEnd' : 'visible',
    clock: broker.clocks.monotonic,
    maxWaitMs: terms.maxWaitMs,
    signal: peer.closed,
  })
  try {
    for (let isSame = first.endWhenRead === first.end; ; isSame = true) {
      if (isSame && !waiter.isExpired) await waiter.changed()
      const pass = await new FetchPass(terms, false).run(wanted)
      if (waiter.isExpired || pass.isEnough) return pass
    }
  } finally {
    waiter.end()
  }
}

const convertPartition = async (partition: FetchedPartition, toMagic: OldMagic, context: Context): Promise<FetchedPartition> => {
  if (!partition.records) return partition
  const wanted = partition.wanted as Wanted
  try {
    const options = { toMagic, firstOffset: toNumber(wanted.fetchOffset), pool: context.broker.pool }
    return { ...partition, records: await downConverted(partition.records, options) }
  } catch (thrown) {
    return failedPartition(wanted, codeOf(thrown))
  }
}

/** For clients older than record batches of magic 2. */
const convert = async (reply: FetchReply, context: Context): Promise<FetchReply> => {
  const toMagic = context.apiVersion < MAGIC_1_SINCE ? 0 : 1
  return { ...reply, partitions: await Promise.all(reply.partitions.map((partition) => convertPartition(partition, toMagic, context))) }
}

/** Failures that a broker in good order has, too; the others count as failed. */
const EXPECTED: ReadonlySet<number> = new Set(
  (
    [
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'NOT_LEADER_OR_FOLLOWER',
      'UNKNOWN_LEADER_EPOCH',
      'FENCED_LEADER_EPOCH',
      'KAFKA_STORAGE_ERROR',
      'OFFSET_OUT_OF_RANGE',
    ] as const
  ).map(errorCode),
)

/** All that throttled replicas get counts for the quota, in sync or not. */
const countCopied = (
  { topic, partitionIndex }: FetchedPartition['wanted'],
  sizeBytes: number,
  { context, followerId }: FetchTerms,
): void => {
  const { metrics, partitions, leaderQuota } = context.broker
  metrics.replication('replicationBytesOut', sizeBytes)
  const partition = partitions.get(topic, partitionIndex)
  if (!partition) return
  if (partition.isAddingReplica(followerId)) metrics.replication('reassignmentBytesOut', sizeBytes)
  if (leaderQuota.isThrottled(partition)) leaderQuota.record(sizeBytes)
}

const count = (fetched: readonly FetchedPartition[], terms: FetchTerms): void => {
  const { metrics } = terms.context.broker
  for (const { wanted, errorCode: code, records } of fetched) {
    metrics.topic(wanted.topic, 'fetches')
    if (!EXPECTED.has(code)) metrics.topic(wanted.topic, 'failedFetches')
    if (!records) continue
    if (terms.isFollower) countCopied(wanted, records.sizeBytes, terms)
    else metrics.topic(wanted.topic, 'bytesOut', records.sizeBytes)
  }
}

const finish = (asked: FetchAsked, { fetched }: FetchPass, terms: FetchTerms): Answer<FetchReply> | Promise<FetchReply> => {
  const reply = asked.reply(fetched)
  count(reply.partitions, terms)
  return terms.context.apiVersion < MAGIC_2_SINCE ? convert(reply, terms.context) : reply
}

const finishLater = async (asked: FetchAsked, reading: FetchPass | Promise<FetchPass>, terms: FetchTerms): Promise<Answer<FetchReply>> => {
  const first = await reading
  const pass = first.isEnough || terms.maxWaitMs <= 0 ? first : await waitForMore(first, asked.wanted, terms)
  return finish(asked, pass, terms)
}

const refuseBroker = ({ topics }: FetchBody): FetchReply => ({
  errorCode: 0,
  sessionId: NO_SESSION,
  partitions: topics.flatMap(({ name, fetchPartitions }) =>
    fetchPartitions.map(({ partitionIndex }) => failedPartition({ topic: name, partitionIndex }, errorCode('TOPIC_AUTHORIZATION_FAILED'))),
  ),
})

/** Reads from the log when the answer goes out, slice by slice; until then only the places are known. Answered at once where nothing has to be waited for. */
export const handleFetch: Handler<FetchApi, FetchReply> = (request, context) => {
  const terms = new FetchTerms(request, context)
  if (terms.isFollower && !context.isAuthorized('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)) return refuseBroker(request)
  const asked = context.broker.fetchSessions.open(request, terms.isFollower)
  const pass = new FetchPass(terms, true).run(asked.wanted)
  if (pass instanceof Promise || !(pass.isEnough || terms.maxWaitMs <= 0)) return finishLater(asked, pass, terms)
  return finish(asked, pass, terms)
}

export const refuseFetch = ({ topics }: FetchBody, { code }: { code: number }): FetchReply => ({
  errorCode: code,
  sessionId: NO_SESSION,
  partitions: topics.flatMap(({ name, fetchPartitions }) =>
    fetchPartitions.map(({ partitionIndex }) => failedPartition({ topic: name, partitionIndex }, code)),
  ),
})
