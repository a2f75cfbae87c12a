import { connect, type Socket } from 'node:net'
import { FrameReader } from '../../src/broker/frames.ts'
import { decodeResponseHeader, requestFrame } from '../../src/protocol/header.ts'
import { type Api, decodeResponse, type RequestOf, type ResponseOf, type Sendable } from '../../src/protocol/schema.ts'

/** A client that sends whatever bytes a test wants, and sees each frame that comes back. */
export class RawClient {
  readonly socket: Socket
  readonly #frames = new FrameReader()
  readonly #received: Buffer[] = []
  readonly #waiting: ((frame: Buffer | undefined) => void)[] = []
  readonly closed: Promise<void>
  isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    void this.closed.then(() => {
      this.isClosed = true
      for (const resolve of this.#waiting.splice(0)) resolve(undefined)
    })
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk)
      for (let frame = this.#frames.next(2 ** 30); frame; frame = this.#frames.next(2 ** 30)) {
        const resolve = this.#waiting.shift()
        if (resolve) resolve(frame)
        else this.#received.push(frame)
      }
    })
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new RawClient(socket)))
      socket.once('error', reject)
    })
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  request<A extends Api>(api: A, version: number, correlationId: number, request: Sendable<RequestOf<A>>): void {
    this.send(Buffer.concat(requestFrame(api, version, { correlationId, clientId: 'raw' }, request)))
  }

  /** The next frame; undefined when the connection ended without one. */
  next(): Promise<Buffer | undefined> {
    const frame = this.#received.shift()
    if (frame || this.isClosed) return Promise.resolve(frame)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async response<A extends Api>(api: A, version: number): Promise<{ correlationId: number; body: ResponseOf<A> }> {
    const frame = await this.next()
    if (!frame) throw new Error('the connection was closed')
    const { correlationId, bodyOffset } = decodeResponseHeader(api, version, frame)
    return { correlationId, body: decodeResponse(api, version, frame, bodyOffset) as ResponseOf<A> }
  }

  end(): void {
    this.socket.destroy()
  }
}
