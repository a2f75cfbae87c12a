import { JuteReader, JuteWriter } from '../../src/zookeeper/jute.ts'
import { FrameReader } from '../../src/base/frames.ts'
import { beginFrame, endFrame } from '../../src/zookeeper/frames.ts'
import { connectRequest, connectResponse, replyHeader, requestHeader } from '../../src/zookeeper/protocol.ts'
import type { Dial } from '../../src/zookeeper/socket.ts'
import type { Address } from '../../src/zookeeper/types.ts'

export type Received = { xid: number; type: number; body: JuteReader; bytes: Buffer }

/** One accepted connection, played by the test. */
export class FakeConnection {
  readonly hello: Promise<{ lastZxidSeen: bigint; sessionId: bigint; timeoutMs: number; password: Buffer | null }>
  readonly received: Received[] = []
  isDestroyed = false
  readonly address: Address
  readonly #frames = new FrameReader(16 * 1024 * 1024)
  readonly #chunks: (Buffer | undefined)[] = []
  #wake = Promise.withResolvers<void>()
  #isGreeted = false
  readonly #hello = Promise.withResolvers<{ lastZxidSeen: bigint; sessionId: bigint; timeoutMs: number; password: Buffer | null }>()

  constructor(address: Address) {
    this.address = address
    this.hello = this.#hello.promise
  }

  /** The client's end. */
  get socket() {
    return {
      chunks: this.#read(),
      write: (bytes: Buffer) => this.#receive(bytes),
      destroy: () => {
        this.isDestroyed = true
        this.push(undefined)
      },
    }
  }

  /** undefined: the server closes. */
  push(chunk: Buffer | undefined): void {
    this.#chunks.push(chunk)
    this.#wake.resolve()
  }

  welcome(answer: { timeoutMs?: number; sessionId?: bigint } = {}): void {
    const to = beginFrame(new JuteWriter())
    connectResponse.write(to, { protocolVersion: 0, timeoutMs: 9000, sessionId: 1n, password: Buffer.alloc(16, 3), ...answer })
    to.boolean(false)
    this.push(endFrame(to))
  }

  reply(header: { xid: number; zxid?: bigint; err?: number }, body?: (to: JuteWriter) => void): void {
    const to = beginFrame(new JuteWriter())
    replyHeader.write(to, { zxid: 0n, err: 0, ...header })
    body?.(to)
    this.push(endFrame(to))
  }

  async *#read(): AsyncGenerator<Buffer> {
    for (;;) {
      while (this.#chunks.length > 0) {
        const chunk = this.#chunks.shift()
        if (!chunk) return
        yield chunk
      }
      await this.#wake.promise
      this.#wake = Promise.withResolvers()
    }
  }

  #receive(bytes: Buffer): void {
    this.#frames.push(Buffer.from(bytes))
    for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) {
      const body = new JuteReader(frame)
      if (this.#isGreeted) this.received.push({ ...requestHeader.read(body), body, bytes: frame })
      else this.#hello.resolve(connectRequest.read(body))
      this.#isGreeted = true
    }
  }
}

/** Servers in the test's hand: every dial is written down, and accepted unless `refuses`. */
export class FakeServers {
  readonly connections: FakeConnection[] = []
  readonly dialled: Address[] = []
  refuses = false

  readonly dial: Dial = async (address) => {
    this.dialled.push(address)
    if (this.refuses) throw new Error('connection refused')
    const connection = new FakeConnection(address)
    this.connections.push(connection)
    return connection.socket
  }

  get last(): FakeConnection {
    return this.connections.at(-1)!
  }
}
