import type { TopicPartition } from '../../base/topic-partition.ts'
import type { describeLogDirs } from '../../protocol/api/35-describe-log-dirs.ts'
import { errorCode } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'

/** The answer has no error of its own. */
export const refuseDescribeLogDirs: Refusal<typeof describeLogDirs> = () => ({ results: [] })

/** Whether a replica is asked for: all where no topics are named. */
const wantedBy = ({ topics }: RequestOf<typeof describeLogDirs>): ((replica: TopicPartition) => boolean) => {
  if (topics === null) return () => true
  const wanted = new Map<string, Set<number>>()
  for (const { topic, partitionIndex } of topics) wanted.set(topic, new Set([...(wanted.get(topic) ?? []), ...partitionIndex]))
  return ({ topic, partition }) => wanted.get(topic)?.has(partition) ?? false
}

/** The log directories with what is in them; one that failed has its error and nothing else. Who may not describe the cluster sees none. */
export const handleDescribeLogDirs: Handler<typeof describeLogDirs> = (request, context) => {
  if (!context.isAuthorized('DESCRIBE', 'CLUSTER', CLUSTER_NAME)) return { results: [] }
  const isWanted = wantedBy(request)
  const results = context.broker.logDirs.all().map(({ path, isOnline, replicas }) => {
    const byTopic = Map.groupBy(
      replicas.filter((replica) => isWanted(replica)),
      ({ topic }) => topic,
    )
    const topics = [...byTopic].map(([name, found]) => ({
      name,
      partitions: found.map(({ partition, sizeBytes, offsetLag }) => ({
        partitionIndex: partition,
        partitionSize: sizeBytes,
        offsetLag,
        isFutureKey: false,
      })),
    }))
    return { errorCode: isOnline ? 0 : errorCode('KAFKA_STORAGE_ERROR'), logDir: path, topics }
  })
  return { results }
}
