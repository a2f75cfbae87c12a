import { partitionKey, type TopicPartition } from '../../base/topic-partition.ts'
import { errorCode } from '../../protocol/errors.ts'
import type { BrokerAnswers } from './channel.ts'
import type { BrokerEvents } from './broker-events.ts'
import type { ControllerContext } from './context.ts'
import type { TopicDeletion } from './deletion.ts'
import type { EventQueue } from './event-queue.ts'

type AnswersOptions = { context: ControllerContext; queue: EventQueue; brokers: BrokerEvents; deletion: TopicDeletion }

/** What follows from the brokers' answers: replicas in failed log directories, and deletions that are done or refused. */
export const brokerAnswers = ({ context, queue, brokers, deletion }: AnswersOptions): BrokerAnswers => {
  const isCurrent = ({ id, epoch }: { id: number; epoch: bigint }) => context.brokers.get(id)?.epoch === epoch
  const known = (at: TopicPartition) => context.partition(at) ?? []
  return {
    ledOrFollows: (broker, { errorCode: refused, partitionErrors }) => {
      if (refused) return
      const inFailedDir = partitionErrors.filter((one) => one.errorCode === errorCode('KAFKA_STORAGE_ERROR'))
      if (inFailedDir.length === 0 && !context.inFailedDirs.has(broker.id)) return
      const toAt = ({ topicName, partitionIndex }: { topicName: string; partitionIndex: number }) =>
        known({ topic: topicName, partition: partitionIndex })
      const working = partitionErrors.filter((one) => one.errorCode === 0)
      void queue.tell('replicas in failed log directories', async () => {
        if (isCurrent(broker)) await brokers.replicasFailed(broker.id, inFailedDir.flatMap(toAt), working.flatMap(toAt))
      })
    },
    stopped: (broker, stops, response) => {
      if (!stops.some(({ deletes }) => deletes)) return
      const refused = new Set(
        response.errorCode
          ? stops.map(partitionKey)
          : response.partitionErrors.filter((one) => one.errorCode).map((one) => `${one.topicName}-${one.partitionIndex}`),
      )
      void queue.tell('replicas deleted', async () => {
        if (isCurrent(broker)) await deletion.answered(broker, stops, refused)
      })
    },
  }
}
