import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { ZooKeeperClient } from '../../zookeeper/client.ts'
import { parseEnsembleConfig, type Reconfiguration } from '../../zookeeper/ensemble.ts'
import { askFourLetters, modeOf, type Mode } from '../../zookeeper/four-letter.ts'
import { tcpDial, tlsDial, type Dial } from '../../zookeeper/socket.ts'
import type { Address } from '../../zookeeper/types.ts'
import type { ZooKeeperTls } from './server-tls.ts'

/** `tls`: the address is that of its secureClientPort. */
export type ServerPlace = { id: number; address: Address; tls?: ZooKeeperTls }
export type Login = { username: string; password: string }
/** Who leads, and whom the leader has for members; both undefined while nobody leads. */
export type EnsembleLook = { leader: number | undefined; members: readonly number[] | undefined }

/** What the operator does with ensembles. */
export type Ensembles = {
  /** Asks every server, without a session. Servers that do not answer are left out. */
  look(servers: readonly ServerPlace[]): Promise<EnsembleLook>
  /** Rejects with ZooKeeperError. */
  reconfigure(servers: readonly ServerPlace[], login: Login, change: Reconfiguration): Promise<void>
}

const ANSWER_WITHIN_MS = 2000
const SESSION_TIMEOUT_MS = 10_000
const CONNECT_WITHIN_MS = 5000

/** Ensembles over the network. */
export class ZooKeeperEnsembles implements Ensembles {
  readonly #clock: MonotonicClock
  readonly #logger: Logger
  readonly #dial: Dial

  constructor(options: { clock: MonotonicClock; logger: Logger; dial?: Dial }) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#dial = options.dial ?? tcpDial
  }

  async look(servers: readonly ServerPlace[]): Promise<EnsembleLook> {
    const modes = await Promise.all(servers.map(async (server) => ({ server, mode: await this.#mode(server) })))
    const leader = modes.find(({ mode }) => mode === 'leader' || mode === 'standalone')?.server
    const answer = leader && (await this.#ask(leader, 'conf'))
    const { members } = parseEnsembleConfig(answer ?? '')
    const ids = members.filter(({ role }) => role === 'participant').map(({ id }) => id)
    return leader && ids.length > 0 ? { leader: leader.id, members: ids } : { leader: undefined, members: undefined }
  }

  async reconfigure(servers: readonly ServerPlace[], login: Login, change: Reconfiguration): Promise<void> {
    const client = await ZooKeeperClient.connect({
      servers: servers.map(({ address }) => address),
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectTimeoutMs: CONNECT_WITHIN_MS,
      saslDigest: login,
      clock: this.#clock,
      logger: this.#logger,
      dial: this.#dialOf(servers[0]),
    })
    try {
      await client.reconfig(change)
    } finally {
      await client.close()
    }
  }

  #dialOf(server: ServerPlace | undefined): Dial {
    const tls = server?.tls
    return tls ? tlsDial(() => tls) : this.#dial
  }

  async #mode(server: ServerPlace): Promise<Mode | undefined> {
    return modeOf((await this.#ask(server, 'srvr')) ?? '')
  }

  async #ask(server: ServerPlace, word: string): Promise<string | undefined> {
    const late = new AbortController()
    const timer = this.#clock.schedule(ANSWER_WITHIN_MS, () => late.abort(new Error(`no answer to ${word} within ${ANSWER_WITHIN_MS} ms`)))
    try {
      return await askFourLetters(this.#dialOf(server), server.address, word, late.signal)
    } catch (error) {
      this.#logger.debug({ server: `${server.address.host}:${server.address.port}`, err: error }, 'a ZooKeeper server could not be asked')
      return undefined
    } finally {
      timer.cancel()
    }
  }
}
