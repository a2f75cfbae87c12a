import type { Services } from '../ports.ts'

/** How long a request waits for ZooKeeper; then what this broker knows has to do. */
const MAX_WAIT_MS = 2000

/**
 * Reads what is set for the topics anew. Who makes a topic by ZooKeeper does not tell of its configuration, so it is read when the topic's logs are made and when
 * somebody asks for it, as Kafka does.
 */
export const readTopicConfigs = async (topics: Iterable<string>, { admin, clocks, logger }: Services): Promise<void> => {
  const read = [...new Set(topics)].map((topic) =>
    admin.configs
      .refreshTopic(topic)
      .catch((err: unknown) => logger.warn({ topic, err }, 'the configuration of a topic could not be read')),
  )
  if (read.length === 0) return
  const late = Promise.withResolvers<void>()
  const timer = clocks.monotonic.schedule(MAX_WAIT_MS, late.resolve)
  await Promise.race([Promise.all(read), late.promise])
  timer.cancel()
}
