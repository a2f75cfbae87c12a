import type { Socket } from 'node:net'
import type { MonotonicClock, Timer, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Endpoint } from '../config/listeners.ts'
import { HandshakeTurns, Handshakes, type Secured } from './handshakes.ts'
import { type ServerMaterial, serverMaterial } from './material.ts'

export type ListenerTlsOptions = {
  endpoint: Endpoint
  /** What holds now. */
  config: () => BrokerConfig
  disk: Disk
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
}
/** `notAfterMs`: when the certificate in use ends, in ms since 1970. `isStale`: the files hold something newer that cannot be used. */
export type TlsFigures = { listener: string; notAfterMs: number; reloads: number; isStale: boolean }

/**
 * TLS of one listener: the certificate in use, and the look at its files that replaces it. New connections get what was read last; those that are open go on.
 * What cannot be used is logged once, and the one before stays. The constructor throws ConfigError.
 */
export class ListenerTls {
  readonly #options: ListenerTlsOptions
  readonly #turns = new HandshakeTurns()
  #config: BrokerConfig
  #material: ServerMaterial
  #handshakes: Handshakes
  #complaint: string | undefined
  #reloads = 0
  #timer: Timer | undefined

  constructor(options: ListenerTlsOptions) {
    this.#options = options
    this.#config = options.config()
    this.#material = this.#read()
    this.#handshakes = new Handshakes(this.#material, options.clocks.monotonic)
    this.#warnOfEnd()
  }

  get figures(): TlsFigures {
    const { leaf } = this.#material
    return {
      listener: this.#options.endpoint.name,
      notAfterMs: leaf.validToDate.getTime(),
      reloads: this.#reloads,
      isStale: this.#complaint !== undefined,
    }
  }

  /** Begins to look at the files every sofakafka.ssl.reload.interval.ms. */
  watch(): void {
    const { config, clocks } = this.#options
    this.#timer = clocks.monotonic.schedule(config().get('sofakafka.ssl.reload.interval.ms'), () => {
      this.#look()
      this.watch()
    })
  }

  close(): void {
    this.#timer?.cancel()
  }

  /** Takes a paused connection. Rejects with HandshakeError, and closes it, when it does not come to a handshake. */
  async accept(raw: Socket): Promise<Secured> {
    await this.#turns.next()
    if (this.#config !== this.#options.config()) this.#look()
    return this.#handshakes.accept(raw)
  }

  #read(): ServerMaterial {
    const { endpoint, disk } = this.#options
    return serverMaterial(this.#config, endpoint, disk)
  }

  #look(): void {
    const { config, logger, endpoint, clocks } = this.#options
    this.#config = config()
    try {
      const material = this.#read()
      this.#complaint = undefined
      if (material.digest === this.#material.digest) return
      this.#material = material
      this.#handshakes = new Handshakes(material, clocks.monotonic)
      this.#reloads++
      logger.info({ listener: endpoint.name, validTo: material.leaf.validTo }, 'new connections get the new certificate')
      this.#warnOfEnd()
    } catch (error) {
      const { message } = error as Error
      if (message === this.#complaint) return
      this.#complaint = message
      logger.error({ listener: endpoint.name, reason: message }, 'the files of a TLS listener cannot be used, what was read before goes on')
    }
  }

  #warnOfEnd(): void {
    const { logger, endpoint, clocks } = this.#options
    const { validTo, validToDate } = this.#material.leaf
    if (validToDate.getTime() < clocks.wall.nowMs())
      logger.error({ listener: endpoint.name, validTo }, 'the certificate of a TLS listener has ended, clients will refuse it: renew it')
  }
}
