import { createServer, connect } from 'node:net'

/** A port of 127.0.0.1 that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** The first of `count` ports in a row that were free a moment ago, below those that the system gives to outgoing connections. */
export const freePorts = async (count: number): Promise<number> => {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000)
    const free = await Promise.all(Array.from({ length: count }, (_unused, index) => isFree(first + index)))
    if (free.every(Boolean)) return first
  }
}

const connects = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host)
    socket.once('connect', () => resolve(socket.destroy() && true))
    socket.once('error', () => resolve(false))
  })

/** Waits until something listens. */
export const waitForPort = async (port: number, timeoutMs = 30_000, host = '127.0.0.1'): Promise<void> => {
  const endsMs = performance.now() + timeoutMs
  while (!(await connects(port, host))) {
    if (performance.now() > endsMs) throw new Error(`nothing listens on ${host}:${port} after ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Asks again until the answer is there; the last failure is the error's cause. */
export const eventually = async <T>(
  ask: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number; what?: string } = {},
): Promise<Exclude<NonNullable<T>, false | '' | 0>> => {
  const endsMs = performance.now() + (options.timeoutMs ?? 15_000)
  let cause: unknown
  do {
    try {
      const answer = await ask()
      if (answer) return answer as Exclude<NonNullable<T>, false | '' | 0>
      cause = undefined
    } catch (error) {
      cause = error
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 20))
  } while (performance.now() < endsMs)
  throw new Error(`not within ${options.timeoutMs ?? 15_000} ms: ${options.what ?? ask.toString()}`, { cause })
}
