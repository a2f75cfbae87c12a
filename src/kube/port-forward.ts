import { Duplex } from 'node:stream'
import { pathOf } from './client.ts'
import type { KubeConnection } from './connection.ts'
import { pods } from './resources.ts'
import type { Key } from './types.ts'
import { clientFrame, type Message, MessageReader, OPCODE, openWebSocket, type Upgraded } from './websocket.ts'

/** Each message begins with the number of its channel; of the first port 0 carries the data and 1 the error, and the first message of each is the port in two bytes. */
const PROTOCOL = 'v4.channel.k8s.io'
const DATA = 0
const ERROR = 1
const PORT_BYTES = 2
const MAX_PAYLOAD_BYTES = 64 * 1024

/**
 * A connection to a port of a pod, through the API server (the subresource portforward over a WebSocket). Behaves as a socket does: 'connect' when the API server let it
 * through, 'error' with words, 'close' at the end. There is no half-close: ending it closes it.
 */
export class PortForwardStream extends Duplex {
  readonly #reader = new MessageReader()
  readonly #abort = new AbortController()
  readonly #open: () => Promise<Upgraded>
  readonly #greeted = new Set<number>()
  #socket: Duplex | undefined

  constructor(connection: KubeConnection, pod: Key, port: number) {
    super()
    const path = `${pathOf(pods, pod.namespace, pod.name, 'portforward')}?ports=${port}`
    this.#open = () => openWebSocket(connection, path, PROTOCOL, this.#abort.signal)
  }

  /** Reads and writes wait for it. */
  override _construct(done: (error?: Error) => void): void {
    void this.#begin(done)
  }

  override destroy(error?: Error): this {
    this.#abort.abort()
    return super.destroy(error)
  }

  async #begin(done: (error?: Error) => void): Promise<void> {
    try {
      const { socket, first } = await this.#open()
      this.#socket = socket
      socket.on('data', (chunk: Buffer) => this.#receive(chunk))
      socket.on('error', (error) => this.destroy(error))
      socket.on('close', () => this.#end())
      done()
      this.emit('connect')
      if (first.length > 0) this.#receive(first)
    } catch (error) {
      // Who closed it before it was open wants no error.
      if (this.#abort.signal.aborted) done()
      else done(error as Error)
    }
  }

  #end(): void {
    if (this.destroyed || this.readableEnded) return
    this.push(null)
    this.once('end', () => this.destroy())
    // Nobody may be reading; who waits for 'close' must hear of the end all the same.
    if (this.readableLength === 0) this.resume()
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#reader.push(chunk)) this.#take(message)
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #take({ opcode, payload }: Message): void {
    if (opcode === OPCODE.ping) this.#socket?.write(clientFrame(OPCODE.pong, payload))
    if (opcode === OPCODE.close) this.#end()
    if (opcode !== OPCODE.binary || payload.length === 0) return
    const channel = payload[0]!
    const isGreeting = !this.#greeted.has(channel)
    this.#greeted.add(channel)
    const bytes = payload.subarray(isGreeting ? 1 + PORT_BYTES : 1)
    if (bytes.length === 0) return
    if (channel === ERROR) this.destroy(new Error(bytes.toString('utf8').trim()))
    if (channel === DATA && !this.push(bytes)) this.#socket?.pause()
  }

  override _read(): void {
    this.#socket?.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const frames: Buffer[] = []
    for (let at = 0; at < chunk.length; at += MAX_PAYLOAD_BYTES) {
      const payload = Buffer.concat([Buffer.of(DATA), chunk.subarray(at, at + MAX_PAYLOAD_BYTES)])
      frames.push(clientFrame(OPCODE.binary, payload))
    }
    this.#socket!.write(Buffer.concat(frames), done)
  }

  override _final(done: () => void): void {
    done()
    this.destroy()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const socket = this.#socket
    if (socket && !socket.destroyed) socket.end(clientFrame(OPCODE.close, Buffer.alloc(0)), () => socket.destroy())
    done(error)
  }
}
