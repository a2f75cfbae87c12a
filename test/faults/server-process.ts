// One server of the cluster under test, as a process: options as JSON in argv, orders by messages. Ends when the harness does.
import { mkdirSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/logger.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import type { Order, ServerOptions } from './orders.ts'
import { FaultDisk } from './fault-disk.ts'

const options = JSON.parse(process.argv[2]!) as ServerOptions
const logger = createLogger(options.program, 'info')

/** Connections to an advertised port go over the link that stands between this process and that broker. */
const routeConnections = (routes: Record<string, number>): void => {
  type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket
  const { value: original } = Object.getOwnPropertyDescriptor(net.Socket.prototype, 'connect') as { value: Connect }
  const routed = (options: unknown): unknown => {
    const port = (options as { port?: number } | undefined)?.port
    const link = port === undefined ? undefined : routes[String(port)]
    return link === undefined ? options : { ...(options as object), port: link }
  }
  const connect: Connect = function (...args) {
    // net.connect hands over its arguments as one array, in which the options come first.
    if (Array.isArray(args[0])) args[0][0] = routed(args[0][0])
    else args[0] = routed(args[0])
    return original.apply(this, args)
  }
  Object.assign(net.Socket.prototype, { connect })
}

type Running = { stop(): Promise<unknown>; stopped: Promise<number> }

const startBroker = async (options: ServerOptions & { program: 'broker' }): Promise<Running> => {
  const [{ runBroker }, { connectCluster }, { Metrics }] = await Promise.all([
    import('../../src/broker/program.ts'),
    import('../../src/broker/cluster/connection.ts'),
    import('../../src/broker/metrics/broker-metrics.ts'),
  ])
  routeConnections(options.routes)
  for (const directory of options.logDirs) mkdirSync(join(options.root, directory), { recursive: true })
  const disk = new FaultDisk(options.root, options.attic)
  let jumpedMs = 0
  const clocks = { monotonic: monotonicClock, wall: { nowMs: () => wallClock.nowMs() + jumpedMs } }
  process.on('message', (order: Order) => {
    logger.warn({ order }, 'order of the harness')
    if (order.kind === 'disk-fault') disk.fail(join(options.root, options.logDirs[order.directory]!), order.fault)
    else if (order.kind === 'heal') disk.heal()
    else if (order.kind === 'clock-jump') jumpedMs += order.byMs
    else {
      disk.losePower()
      process.kill(process.pid, 'SIGKILL')
    }
  })
  const metrics = new Metrics({ clock: monotonicClock, disk: nodeDisk })
  return runBroker({ properties: options.properties, overrides: [], clocks, disk, logger, connectCluster, metrics })
}

const startZooKeeper = async (options: ServerOptions & { program: 'zookeeper' }): Promise<Running> => {
  const { runZooKeeper } = await import('../../src/embedded-zookeeper/program.ts')
  const clocks = { monotonic: monotonicClock, wall: wallClock }
  return runZooKeeper({ configPath: options.configPath, disk: nodeDisk, clocks, logger })
}

const fail = (what: string) => (error: unknown) => {
  logger.fatal({ err: error }, what)
  process.exit(1)
}
process.on('uncaughtException', fail('uncaught error'))
process.on('unhandledRejection', fail('unhandled rejection'))
process.once('disconnect', () => process.exit(3))

try {
  const running = await (options.program === 'broker' ? startBroker(options) : startZooKeeper(options))
  process.on('SIGTERM', () => void running.stop())
  process.send!('serves')
  process.exit(await running.stopped)
} catch (error) {
  logger.fatal({ err: error }, 'could not start')
  process.exit(1)
}
