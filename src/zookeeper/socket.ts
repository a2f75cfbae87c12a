import { connect } from 'node:net'
import type { Address } from './types.ts'

/** One TCP connection to a server. `chunks` ends or throws when the connection does. */
export interface Socket {
  readonly chunks: AsyncIterable<Buffer>
  write(bytes: Buffer): void
  /** Ends it at once, whatever is on its way. */
  destroy(): void
}

/** Connects, or rejects; an abort rejects and leaves no socket behind. */
export type Dial = (address: Address, signal: AbortSignal) => Promise<Socket>

export const tcpDial: Dial = ({ host, port }, signal) =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, signal })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      // The reader of `chunks` sees the error; without a listener it would end the process.
      socket.on('error', () => {})
      resolve({ chunks: socket, write: (bytes) => void socket.write(bytes), destroy: () => void socket.destroy() })
    })
  })
