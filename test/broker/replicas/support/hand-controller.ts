import { monotonicClock } from '../../../../src/base/clock.ts'
import { controllerEpochZnode, controllerZnode } from '../../../../src/broker/metadata/znodes/controller.ts'
import { type LeaderAndIsr, partitionStateZnode } from '../../../../src/broker/metadata/znodes/partition-state.ts'
import { makeRoots } from '../../../../src/broker/metadata/znodes/roots.ts'
import { topicZnode } from '../../../../src/broker/metadata/znodes/topic.ts'
import { KafkaConnection } from '../../../../src/client/connection.ts'
import { leaderAndIsr } from '../../../../src/protocol/api/04-leader-and-isr.ts'
import { updateMetadata } from '../../../../src/protocol/api/06-update-metadata.ts'
import type { ZooKeeperClient } from '../../../../src/zookeeper/client.ts'
import type { OurBroker } from '../../../support/ours.ts'
import { zooKeeperAt } from '../../../support/zookeeper-client.ts'

const CONTROLLER = 99
const CONTROLLER_EPOCH = 1
const PLAINTEXT = 0

export const connectTo = ({ port }: { port: number }, clientId = 'test'): Promise<KafkaConnection> =>
  KafkaConnection.open({ host: '127.0.0.1', port, clientId, clock: monotonicClock, timeoutMs: 20_000 })

/** The controller is the test: it decides who leads, and the brokers obey. One topic, `t`, of one partition. */
export class HandController {
  readonly zookeeper: ZooKeeperClient
  readonly replicas: readonly number[]

  private constructor(zookeeper: ZooKeeperClient, replicas: readonly number[]) {
    this.zookeeper = zookeeper
    this.replicas = replicas
  }

  /** Before the first broker starts: none of them becomes the controller. */
  static async start(zookeeperPort: number, replicas: readonly number[]): Promise<HandController> {
    const zookeeper = await zooKeeperAt(zookeeperPort)
    await makeRoots(zookeeper)
    await zookeeper.create(controllerEpochZnode.path, controllerEpochZnode.encode(CONTROLLER_EPOCH))
    await zookeeper.create(controllerZnode.path, controllerZnode.encode(CONTROLLER, 0))
    return new HandController(zookeeper, replicas)
  }

  async createTopic(state: Omit<LeaderAndIsr, 'controllerEpoch'>): Promise<void> {
    const assignment = { replicas: new Map([[0, this.replicas]]), adding: new Map(), removing: new Map() }
    await this.zookeeper.create(topicZnode.path('t'), topicZnode.encode(assignment))
    await this.zookeeper.makePath(topicZnode.partitionPath('t', 0))
    const data = partitionStateZnode.encode({ ...state, controllerEpoch: CONTROLLER_EPOCH })
    await this.zookeeper.create(partitionStateZnode.path('t', 0), data)
  }

  async state(): Promise<LeaderAndIsr & { zkVersion: number }> {
    const { data, stat } = await this.zookeeper.get(partitionStateZnode.path('t', 0))
    return { ...partitionStateZnode.decode('t', 0, data!), zkVersion: stat.version }
  }

  async elect(leader: number, isr: readonly number[]): Promise<void> {
    const { leaderEpoch, zkVersion } = await this.state()
    const state = { leader, leaderEpoch: leaderEpoch + 1, isr, controllerEpoch: CONTROLLER_EPOCH }
    await this.zookeeper.set(partitionStateZnode.path('t', 0), partitionStateZnode.encode(state), zkVersion)
  }

  /** Tells these brokers who is alive, then of the partition as it stands in ZooKeeper. Gives the partition's errors by broker. */
  async tell(brokers: readonly OurBroker[], { isNew = false, alive = brokers } = {}): Promise<Map<number, number>> {
    const { zkVersion, ...state } = await this.state()
    const partition = { partitionIndex: 0, ...state, zkVersion, replicas: this.replicas }
    const liveBrokers = alive.map(({ id, port }) => ({
      id,
      endpoints: [{ port, host: '127.0.0.1', listener: 'PLAINTEXT', securityProtocol: PLAINTEXT }],
      rack: null,
    }))
    const liveLeaders = alive.map(({ id, port }) => ({ brokerId: id, hostName: '127.0.0.1', port }))
    const errors = new Map<number, number>()
    const each = brokers.map(async (broker) => {
      const connection = await connectTo(broker)
      const { stat } = await this.zookeeper.get(`/brokers/ids/${broker.id}`)
      const from = { controllerId: CONTROLLER, controllerEpoch: CONTROLLER_EPOCH, brokerEpoch: stat.czxid }
      await connection.request(updateMetadata, {
        ...from,
        topicStates: [{ topicName: 't', partitionStates: [{ ...partition, offlineReplicas: [] }] }],
        liveBrokers,
      })
      const states = [{ ...partition, addingReplicas: [], removingReplicas: [], isNew }]
      const { partitionErrors } = await connection.request(leaderAndIsr, {
        ...from,
        topicStates: [{ topicName: 't', partitionStates: states }],
        liveLeaders,
      })
      errors.set(broker.id, partitionErrors[0]!.errorCode)
      connection.close()
    })
    await Promise.all(each)
    return errors
  }
}
