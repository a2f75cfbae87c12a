import { connect, createServer, type Socket } from 'node:net'

/** A TCP relay in front of a server, to break what is between. */
export type Cutter = {
  port: number
  /** Closes all connections; new ones are still relayed. */
  cut(): void
  /** Bytes stop in both directions, nobody is told: a network that swallows. New connections are accepted and hang too. */
  freeze(): void
  /** Closes all connections and every new one, until `heal`. */
  refuse(): void
  heal(): void
  close(): Promise<void>
}

export const startCutter = async (targetPort: number): Promise<Cutter> => {
  const pairs = new Set<[Socket, Socket]>()
  let mode: 'relay' | 'frozen' | 'refusing' = 'relay'
  const drop = (pair: [Socket, Socket]) => {
    pairs.delete(pair)
    for (const socket of pair) socket.destroy()
  }
  const relay = (from: Socket, to: Socket, pair: [Socket, Socket]) => {
    from.on('data', (chunk) => {
      if (mode !== 'frozen' && !to.destroyed) to.write(chunk)
    })
    from.on('error', () => {})
    from.on('close', () => {
      if (mode !== 'frozen') drop(pair)
    })
  }
  const server = createServer({ noDelay: true }, (client) => {
    if (mode === 'refusing') return client.destroy()
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    relay(client, upstream, pair)
    relay(upstream, client, pair)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const pair of pairs) drop(pair)
  }
  return {
    port: (server.address() as { port: number }).port,
    cut,
    freeze: () => (mode = 'frozen'),
    refuse: () => {
      mode = 'refusing'
      cut()
    },
    heal: () => {
      if (mode === 'frozen') cut()
      mode = 'relay'
    },
    close: () => {
      cut()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
