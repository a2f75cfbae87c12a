import { codeOf, KafkaError, errorMessage } from '../../protocol/errors.ts'

/** Code and message of one failed part of a request. What is no KafkaError keeps its message to itself: it may tell of our insides. */
export const failure = (thrown: unknown): { errorCode: number; errorMessage: string } => ({
  errorCode: codeOf(thrown),
  errorMessage: thrown instanceof KafkaError ? thrown.message : errorMessage('UNKNOWN_SERVER_ERROR'),
})

/** The names that stand more than once. */
export const repeated = (names: readonly string[]): Set<string> => new Set(names.filter((name, index) => names.indexOf(name) !== index))

/** By topic, in the order in which topics first stand. */
export const byTopic = <T extends { topic: string }>(entries: readonly T[]): [topic: string, entries: Omit<T, 'topic'>[]][] =>
  [...Map.groupBy(entries, ({ topic }) => topic)].map(([topic, group]) => [topic, group.map(({ topic: _topic, ...rest }) => rest)])

/** Every configuration resource of a request, refused for the same reason. */
export const refusedResources = (
  resources: readonly { resourceType: number; resourceName: string }[],
  { code, message }: { code: number; message: string },
): { resourceType: number; resourceName: string; errorCode: number; errorMessage: string }[] =>
  resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, errorCode: code, errorMessage: message }))
