import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeDirectory, temporaryDirectory } from './apache.ts'
import { eventually, freePort, waitForPort } from './net.ts'

const NODE = process.execPath
/** The sources, or what SOFAKAFKA_MAIN names: the benchmark measures what users run. The flag is that of main's first line. */
const MAIN = process.env['SOFAKAFKA_MAIN'] ?? join(process.cwd(), 'src', 'main.ts')
const NODE_FLAGS = ['--initial-old-space-size=256']

/** One of our programs as a process of its own. */
export class Program {
  readonly #child: ChildProcess
  #output = ''
  readonly exited: Promise<number | null>

  constructor(args: string[], environment: Record<string, string> = {}) {
    this.#child = spawn(NODE, [...NODE_FLAGS, MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
    })
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString('utf8')).slice(-400_000)
      })
    }
    this.exited = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)))
  }

  get pid(): number {
    return this.#child.pid!
  }
  get output(): string {
    return this.#output
  }
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** SIGTERM; gives the exit code. */
  stop(): Promise<number | null> {
    if (this.isRunning) this.#child.kill('SIGTERM')
    return this.exited
  }
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    if (this.isRunning) this.#child.kill(signal)
    return this.exited
  }
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Waits for a log line; throws with the output when the program ends first. */
  async logged(text: string, timeoutMs = 20_000): Promise<void> {
    const endsMs = performance.now() + timeoutMs
    while (!this.#output.includes(text)) {
      if (!this.isRunning || performance.now() > endsMs) throw new Error(`no "${text}" in the log\n${this.#output.slice(-5000)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

export type OurZooKeeper = {
  port: number
  connect: string
  directory: string
  program: Program
  restart(): Promise<void>
  stop(): Promise<void>
}

/** The embedded ZooKeeper as a process. */
export const startOurZooKeeper = async (): Promise<OurZooKeeper> => {
  const directory = temporaryDirectory('our-zk')
  const port = await freePort()
  const config = join(directory, 'zoo.cfg')
  writeFileSync(
    config,
    `tickTime=500\nmaxSessionTimeout=30000\ndataDir=${directory}/data\nclientPort=${port}\nclientPortAddress=127.0.0.1\n`,
  )
  mkdirSync(join(directory, 'data'))
  const start = async () => {
    const program = new Program(['zookeeper', config])
    await Promise.race([waitForPort(port, 20_000), program.exited.then(() => Promise.reject(new Error(program.output)))])
    return program
  }
  const zookeeper: OurZooKeeper = {
    port,
    connect: `127.0.0.1:${port}`,
    directory,
    program: await start(),
    restart: async () => {
      await zookeeper.program.kill()
      zookeeper.program = await start()
    },
    stop: async () => {
      await zookeeper.program.stop()
      removeDirectory(directory)
    },
  }
  return zookeeper
}

export type OurBroker = {
  id: number
  port: number
  /** The port of a second listener, SASL_PLAINTEXT, where `sasl` was asked for. */
  saslPort: number
  httpPort: number
  logDir: string
  program: Program
  /** Ends the process by the signal and starts it again on the same ports and directory. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  stop(): Promise<number | null>
}
export type OurBrokerOptions = {
  id: number
  zookeeper: string
  extra?: string[]
  sasl?: { user: string; password: string }
  /** There is no controller that would tell it of the cluster. */
  isAlone?: boolean
}

const saslLines = (port: number, saslPort: number, { user, password }: { user: string; password: string }, directory: string): string[] => {
  const credentials = join(directory, 'credentials')
  mkdirSync(credentials)
  writeFileSync(join(credentials, user), password)
  const jaas = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${user}" password="${password}";`
  return [
    `listeners=PLAINTEXT://127.0.0.1:${port},INTERNAL://127.0.0.1:${saslPort}`,
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:SASL_PLAINTEXT',
    'inter.broker.listener.name=INTERNAL',
    'sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN',
    'sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512',
    `listener.name.internal.scram-sha-512.sasl.jaas.config=${jaas}`,
    'listener.name.internal.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="plain-secret";',
    `sofakafka.scram.bootstrap.dir=${credentials}`,
    'authorizer.class.name=kafka.security.authorizer.AclAuthorizer',
    `super.users=User:${user};User:ANONYMOUS`,
  ]
}

/** One of our brokers as a process, with a plain listener and, on request, one with SCRAM, PLAIN and ACLs. */
export const startOurBroker = async (options: OurBrokerOptions): Promise<OurBroker> => {
  const directory = temporaryDirectory(`our-broker-${options.id}`)
  const [port, saslPort, httpPort] = [await freePort(), await freePort(), await freePort()]
  const file = join(directory, 'server.properties')
  const logDir = join(directory, 'logs')
  const lines = [
    `broker.id=${options.id}`,
    `log.dirs=${logDir}`,
    `zookeeper.connect=${options.zookeeper}`,
    'zookeeper.session.timeout.ms=6000',
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=5',
    'group.initial.rebalance.delay.ms=0',
    `sofakafka.http.listener=http://127.0.0.1:${httpPort}`,
    ...(options.sasl ? saslLines(port, saslPort, options.sasl, directory) : [`listeners=PLAINTEXT://127.0.0.1:${port}`]),
    ...(options.extra ?? []),
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const start = async () => {
    const program = new Program(['broker', file])
    await program.logged('broker serves')
    if (options.isAlone) return program
    // Until the controller has told it of the cluster, clients learn of no brokers and no topics from it.
    const isReady = () => fetch(`http://127.0.0.1:${httpPort}/readyz`).then(({ ok }) => ok)
    await eventually(isReady, {
      timeoutMs: 20_000,
      everyMs: 20,
      what: `broker ${options.id} is told of the cluster`,
    })
    return program
  }
  const broker: OurBroker = {
    id: options.id,
    port,
    saslPort,
    httpPort,
    logDir,
    program: await start(),
    restart: async (signal) => {
      await broker.program.kill(signal)
      broker.program = await start()
    },
    stop: async () => {
      const code = await broker.program.stop()
      removeDirectory(directory)
      return code
    },
  }
  return broker
}
