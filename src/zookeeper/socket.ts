import { connect, isIP, type Socket as NetSocket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type ConnectionOptions } from 'node:tls'
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

const opened = (socket: NetSocket, event: 'connect' | 'secureConnect'): Promise<Socket> =>
  new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once(event, () => {
      socket.off('error', reject)
      // The reader of `chunks` sees the error; without a listener it would end the process.
      socket.on('error', () => {})
      resolve({ chunks: socket, write: (bytes) => void socket.write(bytes), destroy: () => void socket.destroy() })
    })
  })

export const tcpDial: Dial = ({ host, port }, signal) => opened(connect({ host, port, noDelay: true, signal }), 'connect')

/** PEM. `ca`: absent: the authorities that Node knows. `checksName` false: the server's certificate may bear any name. */
export type TlsMaterial = Pick<ConnectionOptions, 'key' | 'cert' | 'minVersion' | 'maxVersion' | 'ciphers'> & {
  ca?: string | readonly string[]
  checksName?: boolean
}

/** By TLS, to a server's secureClientPort. `material` is asked for each connection: files may have changed since the last one. */
export const tlsDial =
  (material: () => TlsMaterial): Dial =>
  ({ host, port }, signal) => {
    const { ca, checksName = true, ...options } = material()
    const socket = connectTls({
      host,
      port,
      ...options,
      ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
      ...(isIP(host) ? {} : { servername: host }),
      checkServerIdentity: (_name, certificate) => (checksName ? checkServerIdentity(host, certificate) : undefined),
    })
    socket.setNoDelay(true)
    const giveUp = () => socket.destroy(signal.reason as Error)
    signal.addEventListener('abort', giveUp, { once: true })
    return opened(socket, 'secureConnect').finally(() => signal.removeEventListener('abort', giveUp))
  }
