import type { offsetForLeaderEpoch } from '../../protocol/api/23-offset-for-leader-epoch.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import { each, type Handler, type Refusal } from '../handler.ts'

type Api = typeof offsetForLeaderEpoch
const UNKNOWN = { leaderEpoch: -1, endOffset: -1 }

/** Brokers may ask for every topic, consumers for those that they may describe. */
export const handleOffsetForLeaderEpoch: Handler<Api> = async ({ topics }, context) => {
  const isBroker = context.isAuthorized('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  return {
    topics: await Promise.all(
      topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await each(
          partitions,
          ({ partitionIndex, currentLeaderEpoch, leaderEpoch }) => {
            if (!isBroker) context.authorize('DESCRIBE', 'TOPIC', name)
            const found = context.broker.partitions.leader(name, partitionIndex, currentLeaderEpoch).endOffsetFor(leaderEpoch)
            return { partitionIndex, errorCode: 0, leaderEpoch: found.epoch, endOffset: found.endOffset }
          },
          ({ partitionIndex }, errorCode) => ({ partitionIndex, errorCode, ...UNKNOWN }),
        ),
      })),
    ),
  }
}

export const refuseOffsetForLeaderEpoch: Refusal<Api> = ({ topics }, { code }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code, ...UNKNOWN })),
  })),
})
