import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import { watchData } from '../../zookeeper/watching.ts'
import { controllerEpochZnode, controllerZnode } from '../metadata/znodes/controller.ts'
import { type ControllerFigures, NO_CONTROLLER_FIGURES } from './figures.ts'
import { ControllerContext } from './context.ts'
import { ControllerTerm, type TermOptions } from './term.ts'

export type ControllerOptions = Omit<TermOptions, 'context'> & { clock: MonotonicClock; wall: WallClock }

/** Kafka's first controller has epoch 1. */
const EPOCH_BEFORE_FIRST = 0

const readEpoch = async (zookeeper: ZooKeeperClient): Promise<{ epoch: number; version: number }> => {
  const found = await unlessRefused(zookeeper.get(controllerEpochZnode.path), 'NO_NODE')
  if (found) return { epoch: controllerEpochZnode.decode(found.data ?? Buffer.alloc(0)), version: found.stat.version }
  await unlessRefused(zookeeper.create(controllerEpochZnode.path, controllerEpochZnode.encode(EPOCH_BEFORE_FIRST)), 'NODE_EXISTS')
  return readEpoch(zookeeper)
}

/** Again after a lost connection: whoever gives up here is not a candidate any more. */
const untilConnected = async (work: () => Promise<void>): Promise<void> => {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isZooKeeperError(error, 'CONNECTION_LOSS')) throw error
    }
  }
}

/**
 * A broker's candidacy: whenever nobody is the controller it tries to become it. /controller and /controller_epoch change together, so that whoever holds an older
 * epoch can write nothing any more.
 */
export class Controller {
  readonly #options: ControllerOptions
  #term: ControllerTerm | undefined
  #isStopped = false
  /** In the terms that are over. */
  #uncleanElections = 0

  constructor(options: ControllerOptions) {
    this.#options = options
  }

  /** The term, while this broker is the controller. */
  get term(): ControllerTerm | undefined {
    return this.#term
  }

  figures(): ControllerFigures {
    const figures = this.#term?.figures() ?? NO_CONTROLLER_FIGURES
    return { ...figures, uncleanElections: this.#uncleanElections + figures.uncleanElections }
  }

  get isActive(): boolean {
    return this.#term !== undefined
  }

  /** Stands for election until the session ends. */
  async run(): Promise<void> {
    try {
      for await (const seen of watchData(this.#options.zookeeper, controllerZnode.path)) {
        if (this.#isStopped) return
        if (!seen) await untilConnected(() => this.#stand())
        else if (seen.stat.ephemeralOwner !== this.#options.zookeeper.sessionId) this.#resign()
        // Won by a request of which nobody heard the end: its epoch is not known, so the office is given up.
        else if (!this.#term) await untilConnected(() => this.#giveUpOffice())
      }
    } catch (error) {
      if (!isZooKeeperError(error, 'SESSION_EXPIRED')) throw error
    } finally {
      this.#resign()
    }
  }

  /** Gives the office back at once, instead of after the session time-out. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const wasActive = this.isActive
    this.#resign()
    if (!wasActive) return
    await this.#giveUpOffice().catch((error: unknown) => {
      if (!isZooKeeperError(error)) throw error
    })
  }

  #resign(): void {
    this.#forget()?.stop()
  }

  #forget(): ControllerTerm | undefined {
    const term = this.#term
    this.#uncleanElections += term?.figures().uncleanElections ?? 0
    this.#term = undefined
    return term
  }

  async #stand(): Promise<void> {
    this.#resign()
    const context = await this.#elect()
    if (!context) return
    const term = new ControllerTerm({ ...this.#options, context })
    this.#term = term
    this.#options.logger.info({ brokerId: this.#options.brokerId, epoch: context.epoch }, 'this broker is the controller')
    void term.ended.then(() => this.#ended(term))
    void term.start()
  }

  /** A term that failed by itself must not keep the office: without its znode somebody stands anew. */
  async #ended(term: ControllerTerm): Promise<void> {
    if (this.#term !== term) return
    this.#forget()
    await this.#giveUpOffice().catch((err: unknown) =>
      this.#options.logger.warn({ err }, 'the office of the controller could not be given up'),
    )
  }

  async #giveUpOffice(): Promise<void> {
    const { zookeeper } = this.#options
    const stat = await zookeeper.exists(controllerZnode.path)
    if (stat?.ephemeralOwner !== zookeeper.sessionId) return
    await unlessRefused(zookeeper.delete(controllerZnode.path, stat.version), 'NO_NODE', 'BAD_VERSION')
  }

  /** undefined when another broker was faster. After a lost connection nobody knows who won; the watch then shows it, and an epoch that was won is given up. */
  async #elect(): Promise<ControllerContext | undefined> {
    const { zookeeper, brokerId, wall } = this.#options
    const { epoch, version } = await readEpoch(zookeeper)
    try {
      const [, written] = await zookeeper.multi([
        { type: 'create', path: controllerZnode.path, data: controllerZnode.encode(brokerId, wall.nowMs()), mode: 'ephemeral' },
        { type: 'set', path: controllerEpochZnode.path, data: controllerEpochZnode.encode(epoch + 1), version },
      ])
      return written?.type === 'set' ? new ControllerContext(epoch + 1, written.stat.version) : undefined
    } catch (error) {
      if (isZooKeeperError(error, 'NODE_EXISTS', 'BAD_VERSION')) return undefined
      if (!isZooKeeperError(error, 'CONNECTION_LOSS')) throw error
    }
    await this.#giveUpOffice()
    return undefined
  }
}
