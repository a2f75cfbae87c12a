import type { Duplex } from 'node:stream'
import { connect } from 'node:net'
import { brokersService, type Cluster, isOfBrokers } from '../api/index.ts'
import { silentLogger } from '../base/logger.ts'
import { ClusterClient } from '../client/cluster-client.ts'
import type { Address } from '../client/address.ts'
import { isReady } from '../kube/pods.ts'
import type { Pod } from '../kube/resources.ts'
import type { Call } from './command.ts'
import { EXIT, Failure } from './failure.ts'
import { clusterOf, type KubeAccess, withKube } from './kube-access.ts'
import { type Login, loginOf } from './login.ts'
import { brokerIdOf, type Connect, connectPod, directAddress, isDirect, podsOf } from './pods.ts'
import type { Session } from './session.ts'

export type KafkaAccess = { client: ClusterClient; cluster: Cluster; login: Login; pods: readonly Pod[] }

const REQUEST_TIMEOUT_MS = 20_000

const addressText = ({ host, port }: Address): string => `${host}:${port}`

/** Brings every address that brokers advertise to the pod behind it. */
class Ways {
  readonly #access: KubeAccess
  readonly #how: Connect
  readonly #brokers: readonly Pod[]
  readonly #service: string
  readonly #login: Login
  readonly #pods = new Map<string, Pod>()

  constructor(access: KubeAccess, how: Connect, brokers: readonly Pod[], cluster: Cluster, login: Login) {
    this.#access = access
    this.#how = how
    this.#brokers = brokers
    this.#service = `${brokersService(cluster)}.${cluster.metadata.namespace}.svc`
    this.#login = login
    for (const pod of brokers) this.#pods.set(addressText(this.#addressOf(pod)), pod)
  }

  /** Where the first question goes: brokers that are ready, by the names that their certificates bear. */
  get bootstrap(): Address[] {
    return this.#brokers.filter(isReady).map((pod) => this.#addressOf(pod))
  }

  #addressOf(pod: Pod): Address {
    return isDirect(this.#how, pod)
      ? directAddress(pod, this.#login.port)
      : { host: `${pod.metadata.name}.${this.#service}`, port: this.#login.port }
  }

  /** What the brokers of the cluster say of themselves. */
  learn(brokers: readonly (Address & { nodeId: number })[]): void {
    for (const { nodeId, host, port } of brokers) {
      const pod = this.#brokers.find((one) => brokerIdOf(one) === nodeId)
      if (pod) this.#pods.set(addressText({ host, port }), pod)
    }
  }

  /** An address that belongs to none of the pods is one outside: a broker that the operator does not run. */
  dial(address: Address): Duplex {
    const pod = this.#pods.get(addressText(address))
    if (!pod) return connect({ ...address, noDelay: true })
    return isDirect(this.#how, pod) ? connect({ ...address, noDelay: true }) : connectPod(this.#access, this.#how, pod, this.#login.port)
  }

  /** The name that the certificate of the broker behind an address bears. */
  servername(address: Address): string {
    const pod = this.#pods.get(addressText(address))
    return this.#login.host ?? (pod ? `${pod.metadata.name}.${this.#service}` : address.host)
  }
}

export const openKafka = async (session: Session, access: KubeAccess, cluster: Cluster, call: Call): Promise<KafkaAccess> => {
  const [login, pods] = await Promise.all([loginOf(access, cluster, call.text('user')), podsOf(access, cluster)])
  const ways = new Ways(access, (call.text('connect') ?? 'auto') as Connect, pods.filter(isOfBrokers), cluster, login)
  const { bootstrap } = ways
  if (bootstrap.length === 0)
    throw new Failure(`no broker of ${cluster.metadata.name} is ready; \`${session.calledAs} status\` says why`, EXIT.unreachable)
  const { sasl, tls } = login
  const client = new ClusterClient({
    bootstrap,
    clientId: 'kubectl-sofakafka',
    clock: session.clocks.monotonic,
    logger: silentLogger,
    timeoutMs: REQUEST_TIMEOUT_MS,
    dial: (address) => ways.dial(address),
    ...(sasl ? { sasl } : {}),
    ...(tls ? { tls: (address: Address) => ({ ...tls, servername: ways.servername(address) }) } : {}),
  })
  try {
    ways.learn((await client.brokers()).brokers)
    return { client, cluster, login, pods }
  } catch (error) {
    client.close()
    throw error
  }
}

/** The Cluster of --cluster, or of the namespace, and a login there, for the time of `use`. */
export const withKafka = <T>(call: Call, session: Session, use: (kafka: KafkaAccess, access: KubeAccess) => Promise<T>): Promise<T> =>
  withKube(call, session, async (access) => {
    const kafka = await openKafka(session, access, await clusterOf(access, call.text('cluster')), call)
    try {
      return await use(kafka, access)
    } finally {
      kafka.client.close()
    }
  })
