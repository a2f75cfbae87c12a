import { hostname } from 'node:os'
import { LogManager } from '../log/log-manager.ts'
import { Authentications } from './login/authentications.ts'
import type { BrokerEnvironment, ClusterLink, ConnectCluster } from './cluster/link.ts'
import { advertisedOf, listenersOf } from './config/listeners.ts'
import { logDirsOf } from './config/log-dirs.ts'
import { logManagerConfigOf } from './config/log-manager-config.ts'
import { OutputPool } from './connection-output.ts'
import { GroupCoordinator } from './coordinator/coordinator.ts'
import { Dispatcher } from './dispatch.ts'
import { served } from './handlers/index.ts'
import { FetchSessions } from './fetch/sessions.ts'
import { CONSUMER_OFFSETS } from './internal-topics.ts'
import { openHttp } from './http.ts'
import { LogDirs } from './log-dirs.ts'
import { MemoryBudget } from './memory-budget.ts'
import type { BrokerMetrics, Services } from './ports.ts'
import { closeReplicas, openReplicas, type Replicas } from './replicas/open-replicas.ts'
import { replicationQuota } from './replicas/fetchers.ts'
import { KafkaServer } from './server.ts'
import { isTls, serverMaterial } from './tls/material.ts'

export type StartOptions = BrokerEnvironment & {
  connectCluster: ConnectCluster
  metrics: BrokerMetrics
  /** What this process may use; the budgets for requests and responses are shares of it where the configuration names none. */
  memoryBytes: number
}

export type Broker = {
  readonly brokerId: number
  readonly clusterId: string
  /** Bound ports by listener name. */
  readonly ports: ReadonlyMap<string, number>
  readonly httpPort: number | undefined
  /** Why the broker has to stop, when it has to. */
  readonly lost: Promise<string>
  /** Answers or fails what waits, flushes and marks the logs clean. */
  stop(): Promise<void>
  /** At once, without the mark: the next start recovers. */
  abort(): void
}

const MEBIBYTE = 1_048_576
const share = (memoryBytes: number, part: number, maxBytes: number): number =>
  Math.min(Math.max(memoryBytes / part, 32 * MEBIBYTE), maxBytes)

/** What has to be undone, last first. */
class Undo {
  readonly #steps: (() => void | Promise<void>)[] = []
  add(step: () => void | Promise<void>): void {
    this.#steps.push(step)
  }
  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step()
  }
}

const makeServer = (options: StartOptions, link: ClusterLink, services: Services): KafkaServer => {
  const { config, clocks, logger, metrics, memoryBytes } = options
  const clock = clocks.monotonic
  const limit = (configured: number, part: number, maxBytes: number) => (configured > 0 ? configured : share(memoryBytes, part, maxBytes))
  const requestBudget = new MemoryBudget({
    name: 'requests',
    limitBytes: limit(config.get('queued.max.request.bytes'), 8, 256 * MEBIBYTE),
    clock,
  })
  const responseBudget = new MemoryBudget({
    name: 'responses',
    limitBytes: limit(config.get('sofakafka.queued.max.response.bytes'), 16, 128 * MEBIBYTE),
    clock,
  })
  return new KafkaServer({
    endpoints: listenersOf(config),
    config: () => link.config,
    credentials: link.credentials,
    authentications: services.authentications,
    disk: options.disk,
    wall: clocks.wall,
    shared: {
      dispatcher: new Dispatcher({ services, served, metrics, guard: link.guard }),
      requestBudget,
      outputs: new OutputPool({ budget: responseBudget, clock }),
      clock,
      logger,
      maxRequestBytes: () => link.config.get('socket.request.max.bytes'),
    },
  })
}

const openLogs = (options: StartOptions, link: ClusterLink): Promise<LogManager> => {
  const { config, disk, clocks, logger } = options
  return LogManager.open({
    disk,
    logDirs: logDirsOf(config),
    config: logManagerConfigOf(config, link.logConfigOf(''), options.memoryBytes),
    topicConfigs: link.topicConfigs(),
    clocks,
    logger,
    pool: options.pool,
    brokerId: link.brokerId,
    clusterId: link.clusterId,
  })
}

/**
 * Starts a broker: the cluster's id and settings, then the logs (recovered where the last stop was not clean), then the ports, then the registration, and at
 * last the first request. What was started is undone when a step fails.
 */
export const startBroker = async (options: StartOptions): Promise<Broker> => {
  const undo = new Undo()
  try {
    return await start(options, undo)
  } catch (error) {
    await undo.run()
    throw error
  }
}

/** Until the controller has told it of the cluster a broker would say to clients that no topic exists. */
const strangeness = ({ metadata, brokerId }: ClusterLink): string | undefined =>
  metadata.isAlive(brokerId) ? undefined : 'waits for the controller to tell it of the cluster'

const start = async (options: StartOptions, undo: Undo): Promise<Broker> => {
  const { config, clocks, logger, metrics } = options
  const startMs = clocks.monotonic.nowMs()
  listenersOf(config)
  let stage = 'the cluster'
  let unhealthy: string | undefined
  const listener = config.get('sofakafka.http.listener')
  const http =
    listener === null
      ? undefined
      : await openHttp(listener, {
          metrics: () => metrics.text(),
          unhealthy: () => unhealthy,
          notReady: () => (stage === '' ? strangeness(link) : `waits for ${stage}`),
        })
  undo.add(() => http?.close())

  const link = await options.connectCluster(options)
  undo.add(() => link.close())
  stage = 'the logs'
  const logs = await openLogs(options, link)
  undo.add(() => logs.close())
  const onRole = (topic: string, partition: number, isLeader: boolean) => {
    if (topic !== CONSUMER_OFFSETS) return
    if (isLeader) groups.onLeadership(partition)
    else groups.onResignation(partition)
  }
  const replicas = openReplicas({ link, logs, onRole, disk: options.disk, clock: clocks.monotonic, logger })
  const { partitions } = replicas
  undo.add(() => closeReplicas(replicas))
  const groups = new GroupCoordinator({
    config: () => link.config,
    metadata: link.metadata,
    replica: (topic, partition) => partitions.leader(topic, partition),
    storage: link.groupStorage,
    clocks,
    logger,
  })
  undo.add(() => groups.close())
  const { admin, topicCreation } = link.attach({ logs, partitions })
  const logDirs = new LogDirs({ logs, partitions, report: () => link.reportFailedLogDir() })
  const services: Services = {
    brokerId: link.brokerId,
    get config() {
      return link.config
    },
    partitions,
    metadata: link.metadata,
    topicCreation,
    leaderQuota: replicationQuota('leader', { brokerId: link.brokerId, config: () => link.config, clock: clocks.monotonic }),
    fetchSessions: new FetchSessions({ clock: clocks.monotonic, maxSessions: config.get('max.incremental.fetch.session.cache.slots') }),
    groups,
    producerIds: link.producerIds,
    admin,
    logDirs,
    authorizer: link.authorizer,
    authentications: new Authentications(),
    checkCertificates: (candidate) => {
      for (const endpoint of listenersOf(candidate).filter(isTls)) serverMaterial(candidate, endpoint, options.disk)
    },
    metrics,
    clocks,
    pool: options.pool,
    logger,
  }
  const server = makeServer(options, link, services)
  metrics.watch({
    partitions,
    logDirs,
    groups,
    connectionCount: () => server.connectionCount,
    authentications: () => services.authentications.figures(),
    tls: () => server.tlsFigures(),
    controller: () => link.controllerFigures(),
    followers: () => replicas.followers.figures(),
    fetchSessions: () => services.fetchSessions.figures,
  })
  stage = 'its listeners'
  undo.add(() => server.destroy())
  await server.bind()
  stage = 'its registration'
  const advertised = advertisedOf(config, hostname(), (endpoint) => server.portOf(endpoint))
  await link.join(advertised)
  server.serve()
  stage = ''
  logger.info(
    { brokerId: link.brokerId, clusterId: link.clusterId, startMs: Math.round(clocks.monotonic.nowMs() - startMs) },
    'broker serves',
  )

  const lost = Promise.race([link.lost, logDirs.lost]).then((reason) => (unhealthy = reason))
  return {
    brokerId: link.brokerId,
    clusterId: link.clusterId,
    ports: new Map(listenersOf(config).map((endpoint) => [endpoint.name, server.portOf(endpoint)])),
    httpPort: http?.port,
    lost,
    stop: async () => {
      stage = 'nothing: it stops'
      await stopInOrder({ link, server, replicas, groups, logs })
      http?.close()
      logger.info({ brokerId: link.brokerId }, 'broker stopped')
    },
    abort: () => {
      server.destroy()
      http?.close()
    },
  }
}

type Stopping = { link: ClusterLink; server: KafkaServer; replicas: Replicas; groups: GroupCoordinator; logs: LogManager }

/** Leadership goes first, so that clients are sent elsewhere while they still get answers; the mark of a clean stop comes after the last write. */
const stopInOrder = async ({ link, server, replicas, groups, logs }: Stopping): Promise<void> => {
  await link.leave()
  await closeReplicas(replicas)
  groups.close()
  await server.finish()
  await logs.close()
  await link.close()
}
