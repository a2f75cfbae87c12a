import { partitionKey } from '../../base/topic-partition.ts'
import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { parseProperties } from '../../base/properties.ts'
import type { LogConfig } from '../../log/log-config.ts'
import type { BrokerEnvironment, ClusterLink, ConnectCluster, LocalParts } from './link.ts'
import { ClusterMember } from './member.ts'
import { addFirstUsers, bootstrapUsers } from '../login/first-users.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { parseJaas, plainUsers } from '../config/jaas.ts'
import { listenersOf } from '../config/listeners.ts'
import { logConfigOf } from '../config/log-config.ts'
import { logDirsOf } from '../config/log-dirs.ts'
import { ControlGate } from './control-gate.ts'

import { newTopicOf } from '../metadata/new-topic.ts'
import { type ProducerIds, ZooKeeperProducerIds } from './producer-ids.ts'
import type { IncarnationOf } from '../replicas/incarnations.ts'
import { zooKeeperIncarnations } from '../replicas/zookeeper-incarnations.ts'
import { ZooKeeperIsrStore } from '../replicas/zookeeper-isr-store.ts'
import type { ControllerFigures } from '../controller/figures.ts'
import type { Credentials } from '../login/credentials.ts'

/** The id in the first meta.properties that there is: a broker keeps the id that was made up for it. */
const storedBrokerId = (disk: Disk, logDirs: readonly string[]): number | undefined => {
  for (const directory of logDirs) {
    const path = join(directory, 'meta.properties')
    if (!disk.stat(path)) continue
    try {
      const id = Number(parseProperties(disk.readFile(path).toString('utf8')).get('broker.id'))
      if (Number.isInteger(id) && id >= 0) return id
    } catch {
      // A directory that does not work is the log manager's to report; another one may tell.
    }
  }
  return undefined
}

const credentialsOf = (config: BrokerConfig, member: ClusterMember): Credentials => {
  const users = new Map(
    listenersOf(config).map(({ name }) => {
      const text = config.getForListener(name, 'sasl.jaas.config', 'PLAIN')
      const key = `listener.name.${name.toLowerCase()}.plain.sasl.jaas.config`
      return [name, text === null ? new Map<string, string>() : plainUsers(parseJaas(key, text))] as const
    }),
  )
  return {
    scram: (mechanism, username) => member.configs.scram(mechanism, username),
    plainUsers: (listener) => users.get(listener) ?? new Map(),
  }
}

/** How long a stopping broker waits for the request that makes it a follower, and how often it looks. */
const FOLLOWING_WITHIN_MS = 2000
const FOLLOWING_CHECK_MS = 5

/** The real cluster: ZooKeeper for what is stored, the controller for what to do. */
class ZooKeeperLink implements ClusterLink {
  readonly lost: Promise<string>
  readonly credentials: Credentials
  readonly isrStore: ZooKeeperIsrStore
  readonly incarnationOf: IncarnationOf
  readonly producerIds: ProducerIds
  readonly #environment: BrokerEnvironment
  readonly #member: ClusterMember
  #parts: LocalParts | undefined
  #control: ControlGate | undefined

  constructor(environment: BrokerEnvironment, member: ClusterMember) {
    this.#environment = environment
    this.#member = member
    this.credentials = credentialsOf(environment.config, member)
    this.lost = member.lost
    this.isrStore = new ZooKeeperIsrStore(member.session, member.brokerId, environment.clocks.monotonic)
    this.producerIds = new ZooKeeperProducerIds(member.session, member.brokerId)
    this.incarnationOf = zooKeeperIncarnations(member.session)
  }

  get brokerId() {
    return this.#member.brokerId
  }
  get clusterId() {
    return this.#member.clusterId
  }
  get config() {
    return this.#member.configs.broker
  }
  get metadata() {
    return this.#member.cache
  }
  get authorizer() {
    return this.#member.authorizer
  }
  get groupStorage() {
    return this.#member.groupStorage
  }
  get guard() {
    return this.#member.guard
  }

  controllerFigures(): ControllerFigures {
    return this.#member.controllerFigures()
  }

  logConfigOf(topic: string): LogConfig {
    return logConfigOf(this.#member.configs.topic(topic))
  }

  topicConfigs(): ReadonlyMap<string, LogConfig> {
    return new Map([...this.#member.configs.topicNames()].map((topic) => [topic, this.logConfigOf(topic)]))
  }

  attach(parts: LocalParts) {
    this.#parts = parts
    const member = this.#member
    const control = (this.#control = new ControlGate({
      replicas: parts.partitions,
      cache: member.cache,
      brokerEpoch: () => member.brokerEpoch,
    }))
    const admin = {
      isController: () => member.controller?.isActive ?? false,
      controller: () => member.controller?.term,
      topics: member.topics,
      configs: member.configs,
      acls: member.acls,
      control,
    }
    const topicCreation = {
      autoCreate: (names: readonly string[]) => member.topics.autoCreate(names, (name) => newTopicOf(name, member.configs.broker)),
    }
    return { admin, topicCreation }
  }

  join(endpoints: Parameters<ClusterLink['join']>[0]): Promise<void> {
    const { disk } = this.#environment
    const { logs } = this.#parts!
    const member = this.#member
    return member.enter({
      endpoints,
      disk,
      logDir: () => (logs.directories.find(({ isOnline }) => isOnline) ?? logs.directories[0]!).path,
      fenced: () => this.#control!.fence(),
      changes: {
        topicChanged: (topic) => {
          logs.updateConfig(topic, this.logConfigOf(topic))
          if (this.logConfigOf(topic).uncleanLeaderElectionEnable) member.controller?.term?.uncleanElectionMayBeAllowed(topic)
        },
        brokerChanged: () => {
          for (const topic of new Set([...logs.logs()].map((log) => log.topic))) logs.updateConfig(topic, this.logConfigOf(topic))
          if (this.config.get('unclean.leader.election.enable')) member.controller?.term?.uncleanElectionMayBeAllowed()
        },
      },
    })
  }

  reportFailedLogDir(): Promise<void> {
    return this.#member.reportFailedLogDir()
  }

  async leave(): Promise<void> {
    this.#parts!.partitions.leave()
    const kept = await this.#member.handOver()
    if (kept) await this.#untilFollowing(kept)
    await this.#member.leave()
  }

  /** The controller has decided; its LeaderAndIsr may still be on the way. Clients are answered until the new leaders are told, too. */
  async #untilFollowing(kept: readonly { topic: string; partition: number }[]): Promise<void> {
    const { clocks } = this.#environment
    const names = new Set(kept.map(partitionKey))
    const leads = () =>
      [...this.#parts!.partitions.all()].some(
        ({ isLeader, replicationFactor, topic, partition }) => isLeader && replicationFactor > 1 && !names.has(`${topic}-${partition}`),
      )
    const endsMs = clocks.monotonic.nowMs() + FOLLOWING_WITHIN_MS
    while (leads() && clocks.monotonic.nowMs() < endsMs) await clocks.monotonic.sleep(FOLLOWING_CHECK_MS)
  }

  close(): Promise<void> {
    return this.#member.close()
  }
}

/** Joins the cluster that zookeeper.connect names. The first users are there before any listener opens. */
export const connectCluster: ConnectCluster = async (environment) => {
  const { config, disk, clocks, logger } = environment
  const member = await ClusterMember.join({ config, clocks, disk, logger }, storedBrokerId(disk, logDirsOf(config)))
  const directory = config.get('sofakafka.scram.bootstrap.dir')
  if (directory !== null) await addFirstUsers(bootstrapUsers(disk, directory), { config, configs: member.configs, logger })
  return new ZooKeeperLink(environment, member)
}
