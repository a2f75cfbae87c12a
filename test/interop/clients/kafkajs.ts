import { readFileSync } from 'node:fs'
import kafkajs, { type Consumer, type EachMessagePayload, type KafkaConfig, type SASLOptions } from 'kafkajs'
import type { Access, ForeignClient, Login } from './client.ts'
import { keyOf, type Line, numbers, valueOf } from './records.ts'

const { CompressionTypes, Kafka, logLevel, Partitioners } = kafkajs
const { version } = JSON.parse(readFileSync('node_modules/kafkajs/package.json', 'utf8')) as { version: string }
const TAKE_MS = 20_000

const saslOf = ({ mechanism, username, password }: Login): SASLOptions =>
  ({ mechanism: mechanism.toLowerCase(), username, password }) as SASLOptions

const kafka = ({ bootstrap, login }: Access): InstanceType<typeof Kafka> => {
  const config: KafkaConfig = { brokers: [bootstrap], clientId: 'kafkajs', logLevel: logLevel.NOTHING, retry: { retries: 3 } }
  return new Kafka({ ...config, ...(login && { sasl: saslOf(login) }) })
}

const lineOf = ({ partition, message }: EachMessagePayload): Line => ({
  partition,
  offset: Number(message.offset),
  timestampMs: Number(message.timestamp),
  key: String(message.key),
  value: String(message.value),
  headers: Object.entries(message.headers ?? {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(','),
})

/** The consumer's crash is an event and no rejection. */
const crashed = (consumer: Consumer): Promise<never> =>
  new Promise((_resolve, reject) => consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error)))

const take = async (consumer: Consumer, count: number): Promise<Line[]> => {
  const lines: Line[] = []
  const full = Promise.withResolvers<void>()
  const timer = setTimeout(() => full.reject(new Error(`only ${lines.length} of ${count} records in ${TAKE_MS} ms`)), TAKE_MS)
  const crash = crashed(consumer)
  try {
    const running = consumer.run({
      autoCommit: false,
      eachMessage: async (payload) => {
        if (lines.length < count) lines.push(lineOf(payload))
        if (lines.length === count) full.resolve()
      },
    })
    await Promise.race([running.then(() => full.promise), crash])
    return lines
  } finally {
    clearTimeout(timer)
  }
}

const nextOffsets = (topic: string, lines: readonly Line[]) => {
  const next = new Map<number, number>()
  for (const { partition, offset } of lines) next.set(partition, Math.max(next.get(partition) ?? 0, offset + 1))
  return [...next].map(([partition, offset]) => ({ topic, partition, offset: String(offset) }))
}

const readAsGroup = async (access: Access, topic: string, groupId: string, count: number): Promise<Line[]> => {
  const consumer = kafka(access).consumer({ groupId, retry: { retries: 1 }, maxWaitTimeInMs: 100 })
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const lines = await take(consumer, count)
    await consumer.commitOffsets(nextOffsets(topic, lines))
    return lines
  } finally {
    await consumer.disconnect()
  }
}

let groups = 0

/** kafkajs with the codecs that it has without plug-ins. It consumes as a group only: `read` makes a group of its own each time. */
export const kafkajsClient = (): ForeignClient => {
  const withAdmin = async <T>(access: Access, ask: (admin: ReturnType<InstanceType<typeof Kafka>['admin']>) => Promise<T>): Promise<T> => {
    const admin = kafka(access).admin()
    try {
      await admin.connect()
      return await ask(admin)
    } finally {
      await admin.disconnect()
    }
  }
  return {
    name: `kafkajs ${version}`,
    codecs: ['none', 'gzip'],
    mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    hasHeaders: true,
    setsTimestamps: true,
    produce: async (access, topic, { count, baseMs, codec, isIdempotent }) => {
      const idempotent = isIdempotent === undefined ? {} : { idempotent: isIdempotent }
      const producer = kafka(access).producer({ createPartitioner: Partitioners.DefaultPartitioner, ...idempotent })
      try {
        await producer.connect()
        const compression = codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
        for (let from = 0; from < count; from += 1000) {
          const messages = numbers(Math.min(1000, count - from)).map((index) => {
            const n = from + index
            return { key: keyOf(n), value: valueOf(n), timestamp: String(baseMs + n), headers: { n: String(n) } }
          })
          await producer.send({ topic, messages, compression })
        }
      } finally {
        await producer.disconnect()
      }
    },
    read: (access, topic, count) => readAsGroup(access, topic, `own-kafkajs-read-${groups++}`, count),
    readAsGroup,
    offsetsAt: (access, topic, timestampMs) =>
      withAdmin(access, async (admin) => {
        const ends = new Map((await admin.fetchTopicOffsets(topic)).map((one) => [one.partition, one]))
        return (await admin.fetchTopicOffsetsByTimestamp(topic, timestampMs)).map(({ partition, offset }) => {
          const { low, high } = ends.get(partition)!
          // kafkajs gives the end of the partition where no record is so late.
          return { partition, offset: offset === high ? -1 : Number(offset), beginning: Number(low), end: Number(high) }
        })
      }),
    topics: {
      create: (access, topic, numPartitions) =>
        withAdmin(access, async (admin) => void (await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }))),
      delete: (access, topic) => withAdmin(access, (admin) => admin.deleteTopics({ topics: [topic] })),
      list: (access) => withAdmin(access, (admin) => admin.listTopics()),
    },
    stop: () => {},
  }
}
