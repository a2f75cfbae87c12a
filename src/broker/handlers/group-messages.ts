import { errorCode, KafkaError } from '../../protocol/errors.ts'
import type { Operation } from '../../security/acl.ts'
import type { Context } from '../context.ts'
import type { Group } from '../coordinator/group.ts'

/** The group that a member speaks to. KafkaError: INVALID_GROUP_ID, UNKNOWN_MEMBER_ID where there is no such group; those of GroupCoordinator.find. */
export const groupOfMember = (context: Context, groupId: string): Group => {
  checkGroupId(groupId)
  const group = context.broker.groups.find(groupId)
  if (!group) throw new KafkaError('UNKNOWN_MEMBER_ID')
  return group
}

export const checkGroupId = (groupId: string): void => {
  if (groupId === '') throw new KafkaError('INVALID_GROUP_ID')
}

/** 0, or why the client may not name this partition. */
export const topicPartitionError = (context: Context, operation: Operation, topic: string, partition: number): number => {
  if (!context.isAuthorized(operation, 'TOPIC', topic)) return errorCode('TOPIC_AUTHORIZATION_FAILED')
  const state = context.broker.metadata.topic(topic)
  return state?.partitions.some((one) => one.partition === partition) ? 0 : errorCode('UNKNOWN_TOPIC_OR_PARTITION')
}

export type Named<P> = { topic: string; wanted: P }

/** All partitions of a request in one list. */
export const namedPartitions = <P>(topics: readonly { name: string; partitions: readonly P[] }[]): Named<P>[] =>
  topics.flatMap(({ name, partitions }) => partitions.map((wanted) => ({ topic: name, wanted })))

/** The list back in the shape of the request. */
export const regroup = <T, R>(
  topics: readonly { name: string; partitions: readonly unknown[] }[],
  all: readonly T[],
  describe: (one: T) => R,
): { name: string; partitions: R[] }[] => {
  let next = 0
  return topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(() => describe(all[next++]!)) }))
}
