import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startApacheZooKeeper, type ApacheServer } from '../support/apache.ts'
import { freePorts, waitForPort } from '../support/net.ts'
import { Link } from './link.ts'
import { Server } from './server.ts'
import type { End } from './schedule.ts'
import { Znodes } from './znodes.ts'

export const LOG_DIRS = ['logs-0', 'logs-1'] as const

export type ClusterOptions = {
  directory: string
  brokers: readonly number[]
  replicationFactor: number
  sessionTimeoutMs: number
  zookeeper: 'embedded' | 'apache'
  /** More lines of server.properties. */
  properties?: readonly string[]
  note: (what: string) => void
}

/** ZooKeeper of either kind, which can be taken away and brought back. */
export interface ZooKeeperServer {
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

const embeddedZooKeeper = (directory: string, port: number, note: (what: string) => void): ZooKeeperServer => {
  const configPath = join(directory, 'zoo.cfg')
  mkdirSync(join(directory, 'data'), { recursive: true })
  writeFileSync(configPath, `tickTime=500\ndataDir=${directory}/data\nclientPort=${port}\nclientPortAddress=127.0.0.1\n`)
  const server = new Server('zookeeper', { program: 'zookeeper', configPath }, `${directory}.log`, (how) => note(`zookeeper ended: ${how}`))
  let isHeld = false
  return {
    kill: async () => {
      if (!isHeld) server.hold()
      isHeld = true
      await server.end('SIGKILL')
    },
    start: async () => {
      if (isHeld) server.release()
      else server.start()
      isHeld = false
      await server.serving()
    },
    close: () => server.close(),
  }
}

const apacheZooKeeper = (directory: string, port: number): ZooKeeperServer => {
  mkdirSync(directory, { recursive: true })
  let server: ApacheServer | undefined
  return {
    kill: async () => {
      await server?.kill()
      server = undefined
    },
    start: async () => {
      server ??= await startApacheZooKeeper('zookeeper-3.5.9', { dataDir: directory, port })
    },
    close: async () => await server?.kill(),
  }
}

/** Brokers and ZooKeeper as processes, with a link between every two ends. What is advertised to clients is the link of the clients. */
export class Cluster {
  readonly options: ClusterOptions
  readonly brokers = new Map<number, Server>()
  readonly zookeeper: ZooKeeperServer
  readonly #links = new Map<string, Link>()
  readonly znodes: Znodes
  #clientPort = 0

  private constructor(options: ClusterOptions, zookeeper: ZooKeeperServer, znodes: Znodes) {
    this.options = options
    this.zookeeper = zookeeper
    this.znodes = znodes
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const { directory, brokers, note } = options
    const first = await freePorts(2 * brokers.length + 1)
    const zookeeperDirectory = join(directory, 'zookeeper')
    const zookeeper =
      options.zookeeper === 'apache' ? apacheZooKeeper(zookeeperDirectory, first) : embeddedZooKeeper(zookeeperDirectory, first, note)
    const cluster = new Cluster(options, zookeeper, new Znodes(first))
    try {
      await zookeeper.start()
      await waitForPort(first)
      await cluster.#startBrokers(first)
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** Where clients begin. */
  get bootstrap(): { host: string; port: number }[] {
    return this.options.brokers.map((_broker, index) => ({ host: '127.0.0.1', port: this.#clientPort + index }))
  }

  rootOf(broker: number): string {
    return join(this.options.directory, `broker-${broker}`)
  }

  async #startBrokers(zookeeperPort: number): Promise<void> {
    const { brokers, directory, note } = this.options
    this.#clientPort = zookeeperPort + 1
    const ownPort = (index: number) => this.#clientPort + brokers.length + index
    for (const [index, to] of brokers.entries()) {
      await this.#addLink('clients', to, this.#clientPort + index, ownPort(index))
      await this.#addLink(to, 'zookeeper', 0, zookeeperPort)
      for (const from of brokers) if (from !== to) await this.#addLink(from, to, 0, ownPort(index))
    }
    for (const [index, id] of brokers.entries()) {
      const root = this.rootOf(id)
      mkdirSync(root, { recursive: true })
      const routes = Object.fromEntries(
        brokers.flatMap((to, other) => (to === id ? [] : [[String(this.#clientPort + other), this.#link(id, to).port]])),
      )
      const properties = this.#properties(id, ownPort(index), this.#clientPort + index)
      const options = { program: 'broker', properties, root, attic: `${root}.attic`, logDirs: LOG_DIRS, routes } as const
      const server = new Server(`broker ${id}`, options, join(directory, `broker-${id}.log`), (how) => note(`broker ${id} ended: ${how}`))
      this.brokers.set(id, server)
      server.start()
    }
    const all = Promise.all([...this.brokers.values()].map((server) => server.serving()))
    const late = new Promise<never>((_resolve, reject) =>
      setTimeout(() => reject(new Error(`the brokers do not serve; see ${directory}`)), 60_000).unref(),
    )
    await Promise.race([all, late])
  }

  #properties(id: number, port: number, advertisedPort: number): string {
    const { replicationFactor, sessionTimeoutMs, properties = [] } = this.options
    const inSync = Math.max(1, replicationFactor - 1)
    const lines = [
      `broker.id=${id}`,
      `broker.rack=rack-${id}`,
      `listeners=PLAINTEXT://127.0.0.1:${port}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${advertisedPort}`,
      `log.dirs=${LOG_DIRS.map((name) => join(this.rootOf(id), name)).join(',')}`,
      `zookeeper.connect=127.0.0.1:${this.#link(id, 'zookeeper').port}`,
      `zookeeper.session.timeout.ms=${sessionTimeoutMs}`,
      'zookeeper.connection.timeout.ms=30000',
      `default.replication.factor=${replicationFactor}`,
      `min.insync.replicas=${inSync}`,
      'unclean.leader.election.enable=false',
      `offsets.topic.replication.factor=${replicationFactor}`,
      'offsets.topic.num.partitions=3',
      'auto.create.topics.enable=false',
      'group.initial.rebalance.delay.ms=0',
      'replica.lag.time.max.ms=5000',
      'leader.imbalance.check.interval.seconds=10',
      'log.segment.bytes=131072',
      'log.retention.ms=-1',
      'replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector',
      ...properties,
    ]
    return `${lines.join('\n')}\n`
  }

  async #addLink(from: End, to: End, port: number, targetPort: number): Promise<void> {
    this.#links.set(`${from}>${to}`, await Link.open(port, targetPort))
  }
  #link(from: End, to: End): Link {
    return this.#links.get(`${from}>${to}`)!
  }

  broker(id: number): Server {
    return this.brokers.get(id)!
  }

  /** Both directions of who opens connections. */
  linksBetween(one: End, other: End): Link[] {
    return [`${one}>${other}`, `${other}>${one}`].flatMap((name) => this.#links.get(name) ?? [])
  }
  healLinks(): void {
    for (const link of this.#links.values()) link.heal()
  }

  async close(): Promise<void> {
    await Promise.all([...this.brokers.values()].map((server) => server.close()))
    await this.znodes.close()
    await this.zookeeper.close()
    await Promise.all([...this.#links.values()].map((link) => link.close()))
  }
}
