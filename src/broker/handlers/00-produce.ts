import type { produce } from '../../protocol/api/00-produce.ts'
import { codeOf, errorName, KafkaError } from '../../protocol/errors.ts'
import { RecordValidationError } from '../../protocol/records/append-rules.ts'
import { checkProduceVersion } from '../../protocol/records/check-batch.ts'
import { completeBatchSizeAt, hasProducerId, isTransactional } from '../../protocol/records/record-batch.ts'
import type { AppendInfo } from '../../log/log-types.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import type { Context } from '../context.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import { type Handler, Later, NoReply, type Refusal } from '../handler.ts'
import { isInternalTopic } from '../internal-topics.ts'
import type { Partition } from '../partition.ts'

type Api = typeof produce
type Reply = ReplyOf<Api>
type PartitionReply = NonNullable<NonNullable<NonNullable<Reply['responses']>[number]['partitions']>>[number]
/** What became of one partition's records. */
type Appended = { reply: PartitionReply; stored?: Stored }
/** They have yet to be replicated up to `endOffset` while `replica` leads in that `term`. */
type Stored = { replica: Partition; term: number; endOffset: number; isDuplicate: boolean }
type Call = { context: Context; acks: number; timeoutMs: number }

/** The admin client of Kafka may write to internal topics. Source: AdminUtils.AdminClientId. */
const ADMIN_CLIENT_ID = '__admin_client'

const checkTopic = (topic: string, { context, acks }: Call): void => {
  if (acks < -1 || acks > 1) throw new KafkaError('INVALID_REQUIRED_ACKS')
  context.authorize('WRITE', 'TOPIC', topic)
  if (isInternalTopic(topic) && context.clientId !== ADMIN_CLIENT_ID) {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Cannot append to internal topic ${topic}`)
  }
}

type Topics = RequestOf<Api>['topics']

/** Whether a batch of the request is so; a request has one batch per partition. */
const some = (topics: Topics, holds: (records: Buffer) => boolean): boolean =>
  topics.some(({ partitions }) => partitions.some(({ records }) => records && completeBatchSizeAt(records, 0) > 0 && holds(records)))

/**
 * Records of transactions need the right to the transactional id, which implies that to be idempotent; whatever the request says, others need none (before
 * version 3 it cannot say any). Source: KafkaApis.handleProduceRequest.
 */
const checkProducer = (topics: Topics, transactionalId: string | null, context: Context): void => {
  if (some(topics, isTransactional)) {
    if (transactionalId === null) throw new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
    context.authorize('WRITE', 'TRANSACTIONAL_ID', transactionalId)
  } else if (some(topics, hasProducerId)) context.authorize('IDEMPOTENT_WRITE', 'CLUSTER', CLUSTER_NAME)
}

const failed = (partitionIndex: number, thrown: unknown, { context }: Call): Appended => {
  if (!(thrown instanceof KafkaError)) context.broker.logger.error({ err: thrown, partition: partitionIndex }, 'append failed')
  const reply: PartitionReply = { partitionIndex, errorCode: codeOf(thrown), baseOffset: -1 }
  if (!(thrown instanceof RecordValidationError)) return { reply }
  const recordErrors = thrown.recordErrors.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message }))
  return { reply: { ...reply, recordErrors, errorMessage: thrown.message } }
}

const appended = (partitionIndex: number, { replica, term }: { replica: Partition; term: number }, info: AppendInfo): Appended => {
  const { firstOffset, lastOffset, logAppendTime, logStartOffset, isDuplicate = false } = info
  const reply = { partitionIndex, errorCode: 0, baseOffset: firstOffset, logAppendTimeMs: logAppendTime, logStartOffset }
  return { reply, stored: { replica, term, endOffset: lastOffset + 1, isDuplicate } }
}

const count = (topic: string, one: Appended, records: Buffer | null, { context }: Call): Appended => {
  const { metrics } = context.broker
  metrics.topic(topic, 'produces')
  if (!one.stored) metrics.topic(topic, 'failedProduces')
  else {
    metrics.topic(topic, 'bytesIn', records?.length ?? 0)
    if (!one.stored.isDuplicate) metrics.topic(topic, 'messagesIn', one.stored.endOffset - Number(one.reply.baseOffset))
  }
  return one
}

const append = (topic: string, index: number, records: Buffer | null, call: Call): Appended | Promise<Appended> => {
  const one = appendTo(topic, index, records, call)
  return one instanceof Promise ? one.then((done) => count(topic, done, records, call)) : count(topic, one, records, call)
}

const appendTo = (topic: string, index: number, records: Buffer | null, call: Call): Appended | Promise<Appended> => {
  try {
    checkTopic(topic, call)
    const replica = call.context.broker.partitions.leader(topic, index)
    const bytes = records ?? Buffer.alloc(0)
    checkProduceVersion(bytes, call.context.apiVersion)
    const place = { replica, term: replica.term }
    const info = replica.append(bytes, { origin: 'client', requiredAcks: call.acks })
    if (!(info instanceof Promise)) return appended(index, place, info)
    return info.then(
      (later) => appended(index, place, later),
      (thrown: unknown) => failed(index, thrown, call),
    )
  } catch (thrown) {
    return failed(index, thrown, call)
  }
}

/** Every partition's outcome once it is replicated, or is not in time. */
const replicated = async (one: Appended, call: Call): Promise<Appended> => {
  const { stored, reply } = one
  if (!stored) return one
  const timedOut = Promise.withResolvers<never>()
  const timer = call.context.broker.clocks.monotonic.schedule(call.timeoutMs, () => timedOut.reject(new KafkaError('REQUEST_TIMED_OUT')))
  try {
    await Promise.race([stored.replica.replicated(stored.endOffset, stored.term), timedOut.promise])
    return one
  } catch (thrown) {
    return failed(reply.partitionIndex ?? 0, thrown, call)
  } finally {
    timer.cancel()
  }
}

const toReply = (topics: Topics, all: readonly Appended[]): Reply => {
  let next = 0
  return { responses: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(() => all[next++]!.reply) })) }
}

const answer = (topics: Topics, all: readonly Appended[], call: Call): Reply | NoReply | Later<Reply> => {
  if (call.acks === 0) {
    const bad = all.find(({ reply }) => reply.errorCode !== 0)
    return new NoReply(bad && `a produce request with acks=0 failed: ${errorName(bad.reply.errorCode ?? -1)}`)
  }
  const isDone = ({ stored }: Appended): boolean =>
    !stored || (stored.replica.isReplicated(stored.endOffset, stored.term) && !stored.replica.isUnderMinIsr)
  if (call.acks !== -1 || all.every(isDone)) return toReply(topics, all)
  return new Later(Promise.all(all.map((one) => replicated(one, call))).then((done) => toReply(topics, done)))
}

/** Appends in the order of the request; with acks -1 the reply comes when all in-sync replicas have the records, and the connection goes on meanwhile. */
export const handleProduce: Handler<Api> = ({ topics, acks, timeoutMs, transactionalId }, context) => {
  checkProducer(topics, transactionalId, context)
  const call = { context, acks, timeoutMs }
  const all = topics.flatMap(({ name, partitions }) => partitions.map((p) => append(name, p.partitionIndex, p.records, call)))
  if (!all.some((one) => one instanceof Promise)) return answer(topics, all as Appended[], call)
  return Promise.all(all.map(async (one) => one)).then((done) => answer(topics, done, call))
}

export const refuseProduce: Refusal<Api> = ({ topics }, { code }) => ({
  responses: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code, baseOffset: -1 })),
  })),
})
