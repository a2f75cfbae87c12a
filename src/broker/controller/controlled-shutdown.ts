import type { TopicPartition } from '../../base/topic-partition.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { KnownPartition } from './context.ts'
import type { TermTools } from './term-part.ts'

const UNKNOWN_EPOCH = -1n

/**
 * Takes leadership and in-sync membership from a broker that wants to stop, while it still answers. Gives the partitions that it leads still, because nobody else
 * can; those of one replica are left out. KafkaError BROKER_NOT_AVAILABLE for a broker that is not registered, STALE_BROKER_EPOCH for a former life of it.
 */
export const controlledShutdown = async (tools: TermTools, brokerId: number, brokerEpoch: bigint): Promise<TopicPartition[]> => {
  const { context, partitions, replicas, requests, logger } = tools
  const broker = context.brokers.get(brokerId)
  if (!broker) throw new KafkaError('BROKER_NOT_AVAILABLE', `Broker id ${brokerId} does not exist.`)
  if (brokerEpoch !== UNKNOWN_EPOCH && brokerEpoch < broker.epoch) {
    throw new KafkaError(
      'STALE_BROKER_EPOCH',
      `Received stale broker epoch ${brokerEpoch} for broker id ${brokerId}, the current broker epoch is ${broker.epoch}`,
    )
  }
  logger.info({ brokerId }, 'a broker wants to stop')
  context.shuttingDown.add(brokerId)
  const mayMove = (known: KnownPartition) =>
    known.leadership !== undefined && known.assignment.replicas.length > 1 && !context.isToBeDeleted(known)
  const isLed = (known: KnownPartition) => known.leadership?.leader === brokerId
  const all = context.partitionsOn(brokerId).filter(mayMove)
  await partitions.online(all.filter(isLed), { type: 'controlled-shutdown' })
  // New leaders must not wait for the in-sync sets in which the broker only follows.
  requests.send()
  await replicas.offline(
    all.filter((known) => !isLed(known) && known.leadership?.isr.includes(brokerId)).map((known) => ({ known, brokerId })),
  )
  return all.filter(isLed)
}
