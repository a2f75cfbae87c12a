import type { Consumer, Kafka, Producer } from 'kafkajs'
import { eventually } from '../support/net.ts'

const BATCH = 2
const PAUSE_MS = 20

/** One producer (acks=all) and one consumer of a group that run on, whatever happens to the brokers. */
export class Traffic {
  readonly #topic: string
  readonly #partitions: number[]
  readonly #producer: Producer
  readonly #consumer: Consumer
  readonly #acknowledged = new Set<string>()
  readonly consumed = new Set<string>()
  #isStopping = false
  #running: Promise<void> | undefined

  private constructor(kafka: Kafka, topic: string, partitions: number[]) {
    this.#topic = topic
    this.#partitions = partitions
    this.#producer = kafka.producer({ allowAutoTopicCreation: false })
    // kafkajs gives a consumer five retries whatever its client has: with those it leaves while a broker starts, and comes back as another member, who
    // waits for the session of the first to end.
    this.#consumer = kafka.consumer({ groupId: `traffic-${topic}`, maxWaitTimeInMs: 100, retry: { retries: 30 } })
  }

  static async start(kafka: Kafka, topic: string): Promise<Traffic> {
    const admin = kafka.admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.disconnect()
    const traffic = new Traffic(
      kafka,
      topic,
      topics[0]!.partitions.map(({ partitionId }) => partitionId),
    )
    await traffic.#producer.connect()
    await traffic.#consumer.connect()
    await traffic.#consumer.subscribe({ topic, fromBeginning: true })
    await traffic.#consumer.run({ eachMessage: async ({ message }) => void traffic.consumed.add(message.value!.toString()) })
    traffic.#running = traffic.#produce()
    // Said by stop.
    traffic.#running.catch(() => {})
    return traffic
  }

  /** Acknowledged records that the consumer has not seen. */
  missing(): string[] {
    return [...this.#acknowledged].filter((value) => !this.consumed.has(value))
  }

  /** Waits until a record that was produced from now on has come through each partition. */
  async goesOnEverywhere(): Promise<void> {
    const now = this.#acknowledged.size
    const freshOf = (partition: number): string[] => [...this.#acknowledged].slice(now).filter((value) => value.startsWith(`${partition}-`))
    const consumedOf = (partition: number): string[] => freshOf(partition).filter((value) => this.consumed.has(value))
    const waiting = eventually(() => this.#partitions.every((partition) => consumedOf(partition).length > 0), {
      timeoutMs: 30_000,
      everyMs: 100,
      what: 'records come through every partition',
    })
    // A producer that failed says why at once.
    const failed = this.#running!.then(() => waiting)
    await Promise.race([waiting, failed]).catch((error: unknown) => {
      const counts = this.#partitions.map(
        (partition) => `partition ${partition}: ${consumedOf(partition).length} of ${freshOf(partition).length}`,
      )
      throw new Error(`consumed since then: ${counts.join(', ')}; missing of all: ${this.missing().length}`, { cause: error })
    })
  }

  /** Ends the producer; what it began is acknowledged. Throws what made it fail. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
    await this.#producer.disconnect()
  }

  async close(): Promise<void> {
    await this.#consumer.disconnect()
  }

  async #produce(): Promise<void> {
    for (let count = 0; !this.#isStopping; count++) {
      await Promise.all(this.#partitions.map((partition) => this.#send(partition, count)))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  /**
   * One partition per send: of a send to several, kafkajs 2.2 forgets those that a broker begins to lead which has answered for others already, and calls
   * the send a success.
   */
  async #send(partition: number, count: number): Promise<void> {
    const messages = Array.from({ length: BATCH }, (_unused, index) => ({ partition, value: `${partition}-${count}-${index}` }))
    await this.#producer.send({ topic: this.#topic, acks: -1, messages })
    for (const { value } of messages) this.#acknowledged.add(value)
  }
}
