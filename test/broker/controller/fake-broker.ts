import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { BrokerConfig } from '../../../src/broker/config/broker-config.ts'
import { Controller } from '../../../src/broker/controller/controller.ts'
import { brokerIdZnode } from '../../../src/broker/metadata/znodes/broker-id.ts'
import { FrameReader } from '../../../src/base/frames.ts'
import { leaderAndIsr } from '../../../src/protocol/api/04-leader-and-isr.ts'
import { stopReplica } from '../../../src/protocol/api/05-stop-replica.ts'
import { updateMetadata } from '../../../src/protocol/api/06-update-metadata.ts'
import { apiVersions } from '../../../src/protocol/api/18-api-versions.ts'
import { errorCode } from '../../../src/protocol/errors.ts'
import { decodeRequestHeader, responseFrame } from '../../../src/protocol/header.ts'
import { toBigInt } from '../../../src/protocol/int64.ts'
import { type Api, decodeRequest, type RequestOf } from '../../../src/protocol/schema.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { zooKeeperAt } from '../../support/zookeeper-client.ts'

type LeaderAndIsrRequest = RequestOf<typeof leaderAndIsr>
type UpdateMetadataRequest = RequestOf<typeof updateMetadata>
type StopReplicaRequest = RequestOf<typeof stopReplica>
type WireState = LeaderAndIsrRequest['topicStates'][number]['partitionStates'][number]
export type Role = WireState & { topic: string }
export type Received =
  | { api: 'LeaderAndIsr'; request: LeaderAndIsrRequest }
  | { api: 'UpdateMetadata'; request: UpdateMetadataRequest }
  | { api: 'StopReplica'; request: StopReplicaRequest }

const SERVED: readonly Api[] = [leaderAndIsr, stopReplica, updateMetadata, apiVersions]
export const SESSION_MS = 2000
const LISTENER = 'PLAINTEXT'

export const connect = (zookeeperPort: number): Promise<ZooKeeperClient> =>
  zooKeeperAt(zookeeperPort, { sessionTimeoutMs: SESSION_MS, connectTimeoutMs: 5000 })

/**
 * A broker as the controller sees it: a registration, a port that takes the controller's three requests by Kafka's rules of fencing, and (on request) a real candidate
 * for the controller's office. It has no records; who leads and follows is all that it knows.
 */
export class FakeBroker {
  readonly id: number
  zookeeper!: ZooKeeperClient
  controller: Controller | undefined
  /** By topic-partition: what the last accepted request said. */
  readonly roles = new Map<string, Role>()
  /** Replicas that "exist on disk"; they survive a restart. */
  readonly disk = new Set<string>()
  readonly metadata = new Map<string, number>()
  liveBrokers: number[] = []
  received: Received[] = []
  /** Replicas whose log directory has failed. */
  readonly failed = new Set<string>()
  /** Answers are held back while this is set. */
  holds: Promise<void> | undefined
  brokerEpoch = -1n
  controllerEpoch = 0
  onRole: (role: Role) => void = () => {}
  readonly #zookeeperPort: number
  readonly #properties: Readonly<Record<string, string>>
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()
  #port = 0

  constructor(id: number, zookeeperPort: number, properties: Readonly<Record<string, string>> = {}) {
    this.id = id
    this.#zookeeperPort = zookeeperPort
    this.#properties = properties
  }

  async start(options: { isCandidate?: boolean; rack?: string } = {}): Promise<this> {
    this.#server = createServer((socket) => this.#accept(socket))
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
    this.zookeeper = await connect(this.#zookeeperPort)
    await this.register()
    if (options.isCandidate) this.stand()
    return this
  }

  async register(): Promise<void> {
    const data = brokerIdZnode.encode({
      id: this.id,
      rack: null,
      timestampMs: 0,
      endpoints: [{ name: LISTENER, host: '127.0.0.1', port: this.#port, protocol: 'PLAINTEXT' }],
    })
    const path = brokerIdZnode.path(this.id)
    const [, written] = await this.zookeeper.multi([
      { type: 'create', path, data: null, mode: 'ephemeral' },
      { type: 'set', path, data, version: 0 },
    ])
    this.brokerEpoch = written?.type === 'set' ? written.stat.czxid : -1n
    this.roles.clear()
  }

  stand(): void {
    const file = { 'broker.id': String(this.id), 'log.dirs': '/unused', 'zookeeper.connect': 'unused:1', ...this.#properties }
    const config = BrokerConfig.parse(new Map(Object.entries(file)))
    this.controller = new Controller({
      zookeeper: this.zookeeper,
      brokerId: this.id,
      interBrokerListener: LISTENER,
      connection: ({ host, port }) => ({ host, port, clientId: 'controller', clock: monotonicClock, timeoutMs: 2000 }),
      config: () => config,
      clock: monotonicClock,
      wall: wallClock,
      logger: silentLogger,
    })
    void this.controller.run()
  }

  /** As SIGKILL, with the session's end at once. */
  async die(): Promise<void> {
    this.#closePort()
    await this.zookeeper.close()
    this.controller = undefined
    this.roles.clear()
    this.metadata.clear()
  }

  async stop(): Promise<void> {
    await this.controller?.stop()
    await this.die()
  }

  /** An answer from the controller's point of view: waits until it holds. */
  async until(what: string, holds: () => boolean, timeoutMs = 8000): Promise<void> {
    await until(`broker ${this.id}: ${what}`, holds, timeoutMs)
  }

  leads(topic: string, partition: number): boolean {
    return this.roles.get(`${topic}-${partition}`)?.leader === this.id
  }

  #closePort(): void {
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    const frames = new FrameReader(10_000_000)
    let tail = Promise.resolve()
    socket.on('data', (chunk: Buffer) => {
      for (const frame of frames.received(chunk)) {
        const copy = Buffer.from(frame)
        tail = tail.then(async () => {
          const header = decodeRequestHeader(copy)
          if (header.apiKey !== apiVersions.key && this.holds) await this.holds
          if (socket.destroyed) return
          const api = SERVED.find(({ key }) => key === header.apiKey)!
          const answer = this.#answer(api, header.apiVersion, copy, header.bodyOffset)
          for (const part of responseFrame(api, header.apiVersion, header.correlationId, answer as never)) socket.write(part)
        })
      }
    })
  }

  #answer(api: Api, version: number, frame: Buffer, at: number): unknown {
    if (api === apiVersions)
      return {
        errorCode: 0,
        apiKeys: SERVED.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion })),
        throttleTimeMs: 0,
      }
    const request = decodeRequest(api, version, frame, at) as LeaderAndIsrRequest & UpdateMetadataRequest & StopReplicaRequest
    const isStaleBroker = toBigInt(request.brokerEpoch) !== -1n && toBigInt(request.brokerEpoch) < this.brokerEpoch
    if (isStaleBroker) return { errorCode: errorCode('STALE_BROKER_EPOCH'), partitionErrors: [] }
    if (request.controllerEpoch < this.controllerEpoch) return { errorCode: errorCode('STALE_CONTROLLER_EPOCH'), partitionErrors: [] }
    this.controllerEpoch = request.controllerEpoch
    this.received.push({ api: api.name, request } as Received)
    if (api === leaderAndIsr) return this.#becomes(request)
    if (api === stopReplica) return this.#stops(request)
    this.liveBrokers = request.liveBrokers.map(({ id }) => id).sort((a, b) => a - b)
    for (const { topicName, partitionStates } of request.topicStates)
      for (const { partitionIndex, leader } of partitionStates) {
        if (leader === -2) this.metadata.delete(`${topicName}-${partitionIndex}`)
        else this.metadata.set(`${topicName}-${partitionIndex}`, leader)
      }
    return { errorCode: 0 }
  }

  #becomes(request: LeaderAndIsrRequest): unknown {
    const partitionErrors = request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map((state) => {
        const key = `${topicName}-${state.partitionIndex}`
        const at = { topicName, partitionIndex: state.partitionIndex }
        if (this.failed.has(key)) return { ...at, errorCode: errorCode('KAFKA_STORAGE_ERROR') }
        if (state.leaderEpoch <= (this.roles.get(key)?.leaderEpoch ?? -1)) return { ...at, errorCode: errorCode('STALE_CONTROLLER_EPOCH') }
        const role = { ...state, topic: topicName }
        this.roles.set(key, role)
        this.disk.add(key)
        this.onRole(role)
        return { ...at, errorCode: 0 }
      }),
    )
    return { errorCode: 0, partitionErrors }
  }

  #stops(request: StopReplicaRequest): unknown {
    const partitionErrors = request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map(({ partitionIndex, leaderEpoch, deletePartition }) => {
        const key = `${topicName}-${partitionIndex}`
        const at = { topicName, partitionIndex }
        if (deletePartition && this.failed.has(key)) return { ...at, errorCode: errorCode('KAFKA_STORAGE_ERROR') }
        if (leaderEpoch >= 0 && leaderEpoch <= (this.roles.get(key)?.leaderEpoch ?? -1))
          return { ...at, errorCode: errorCode('FENCED_LEADER_EPOCH') }
        this.roles.delete(key)
        if (deletePartition) this.disk.delete(key)
        return { ...at, errorCode: 0 }
      }),
    )
    return { errorCode: 0, partitionErrors }
  }
}

export const until = async (what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 8000): Promise<void> => {
  const endsMs = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > endsMs) throw new Error(`not in time: ${what}`)
    await sleep(5)
  }
}
