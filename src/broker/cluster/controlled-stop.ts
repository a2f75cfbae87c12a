import type { Address } from '../../client/address.ts'
import type { TopicPartition } from '../../base/topic-partition.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { type ConnectionOptions, KafkaConnection } from '../../client/connection.ts'
import { controlledShutdown } from '../../protocol/api/07-controlled-shutdown.ts'
import { errorName } from '../../protocol/errors.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ControllerTerm } from '../controller/term.ts'
import { brokerIdZnode } from '../metadata/znodes/broker-id.ts'
import { controllerZnode } from '../metadata/znodes/controller.ts'

export type ControlledStopOptions = {
  zookeeper: ZooKeeperClient
  brokerId: number
  /** czxid of the registration that is about to end. */
  brokerEpoch: bigint
  /** This broker's own term, when it is the controller. */
  term: () => ControllerTerm | undefined
  connection: (address: Address) => ConnectionOptions
  interBrokerListener: string
  config: BrokerConfig
  clock: MonotonicClock
  logger: Logger
}
type Outcome = { remaining: readonly TopicPartition[] } | { problem: string }

const addressOfController = async ({ zookeeper, interBrokerListener }: ControlledStopOptions) => {
  const controller = await unlessRefused(zookeeper.get(controllerZnode.path), 'NO_NODE')
  if (!controller?.data) return undefined
  const id = controllerZnode.decode(controller.data)
  const broker = await unlessRefused(zookeeper.get(brokerIdZnode.path(id)), 'NO_NODE')
  return broker?.data && brokerIdZnode.decode(id, broker.data).endpoints.find(({ name }) => name === interBrokerListener)
}

const askRemote = async (options: ControlledStopOptions): Promise<Outcome> => {
  const address = await addressOfController(options)
  if (!address) return { problem: 'there is no controller' }
  const connection = await KafkaConnection.open(options.connection(address))
  try {
    const { brokerId, brokerEpoch } = options
    const { errorCode, remainingPartitions } = await connection.request(controlledShutdown, { brokerId, brokerEpoch })
    if (errorCode !== 0) return { problem: `the controller answers ${errorName(errorCode)}` }
    return { remaining: remainingPartitions.map(({ topicName, partitionIndex }) => ({ topic: topicName, partition: partitionIndex })) }
  } finally {
    connection.close()
  }
}

/** What the own term decided also has to reach the other brokers before this one may give up its office. */
const askOwn = async (term: ControllerTerm, options: ControlledStopOptions): Promise<Outcome> => {
  const remaining = await term.controlledShutdown(options.brokerId, options.brokerEpoch)
  const timeout = Promise.withResolvers<void>()
  const timer = options.clock.schedule(TOLD_WITHIN_MS, timeout.resolve)
  await Promise.race([term.settled(), timeout.promise])
  timer.cancel()
  return { remaining }
}

/** How long a controller that stops waits for brokers that do not answer it. */
const TOLD_WITHIN_MS = 2000

const ask = async (options: ControlledStopOptions): Promise<Outcome> => {
  try {
    const term = options.term()
    return await (term ? askOwn(term, options) : askRemote(options))
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** Until the next try: when brokers stop together, the next controller is there sooner than the configured time is over. */
const pause = async ({ zookeeper, config, clock }: ControlledStopOptions): Promise<void> => {
  const watch = zookeeper.newWatch()
  const over = new AbortController()
  try {
    await zookeeper.exists(controllerZnode.path, { watch })
    const sleeping = clock.sleep(Number(config.get('controlled.shutdown.retry.backoff.ms')), over.signal).catch(() => {})
    await Promise.race([watch.fired, sleeping])
  } finally {
    over.abort()
    watch.cancel()
  }
}

/**
 * Asks the controller to give this broker's leaderships to others, as often as the configuration says. Gives the partitions that this broker still leads, because
 * nobody else can; undefined when no controller took the request. The broker goes on serving until the new leaders are announced to it.
 */
export const controlledStop = async (options: ControlledStopOptions): Promise<readonly TopicPartition[] | undefined> => {
  const { config, logger } = options
  if (!config.get('controlled.shutdown.enable')) return undefined
  let remaining: readonly TopicPartition[] | undefined
  for (let tries = config.get('controlled.shutdown.max.retries'); tries > 0; tries--) {
    const outcome = await ask(options)
    if ('remaining' in outcome) {
      remaining = outcome.remaining
      if (remaining.length === 0) return remaining
      logger.warn({ remaining: remaining.slice(0, 10), count: remaining.length }, 'no other broker can lead some partitions')
      if (options.term()?.isAlone(options.brokerId)) return remaining
    } else logger.warn({ problem: outcome.problem }, 'the controller did not take the leaderships of this broker')
    if (tries > 1) await pause(options)
  }
  logger.warn('the broker stops while it leads partitions that had other replicas')
  return remaining
}
