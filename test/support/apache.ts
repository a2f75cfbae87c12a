import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startJava } from './java.ts'
import { eventually, freePort, waitForPort } from './net.ts'

/** A server process of Apache's that a test started: where it is, and how it ends. */
export type ApacheServer = {
  pid: number
  port: number
  connect: string
  dataDir: string
  stop(): Promise<void>
  kill(): Promise<void>
  output(): string
}

const ended = (child: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill(signal)
  })

const serve = async (
  child: ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream },
  port: number,
  dataDir: string,
): Promise<ApacheServer> => {
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-200_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const died = new Promise<never>((_resolve, reject) => child.once('exit', (code) => reject(new Error(`ended with ${code}\n${output}`))))
  await Promise.race([waitForPort(port, 60_000), died])
  died.catch(() => {})
  return {
    pid: child.pid!,
    port,
    connect: `127.0.0.1:${port}`,
    dataDir,
    output: () => output,
    stop: () => ended(child, 'SIGTERM'),
    kill: () => ended(child, 'SIGKILL'),
  }
}

/** What ZooKeeper answers to a word of four letters; nothing where it does not. */
const askZooKeeper = (port: number, word: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(word))
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('utf8')))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })

export const temporaryDirectory = (name: string): string => mkdtempSync(join(tmpdir(), `sofakafka-${name}-`))
export const removeDirectory = (path: string): void => rmSync(path, { recursive: true, force: true })

/** A standalone Apache ZooKeeper. `extra` are more lines of zoo.cfg. */
export const startApacheZooKeeper = async (
  set: 'zookeeper-3.5.9' | 'zookeeper-3.9' = 'zookeeper-3.9',
  options: { dataDir?: string; port?: number; extra?: string[]; jvm?: string[] } = {},
): Promise<ApacheServer> => {
  const dataDir = options.dataDir ?? temporaryDirectory('zk')
  const port = options.port ?? (await freePort())
  const config = join(dataDir, 'zoo.cfg')
  const lines = [
    'tickTime=500',
    // Sessions of tests outlast the Java programs for which they wait.
    'maxSessionTimeout=30000',
    `dataDir=${dataDir}`,
    `clientPort=${port}`,
    'clientPortAddress=127.0.0.1',
    'admin.enableServer=false',
    'maxClientCnxns=0',
    '4lw.commands.whitelist=*',
    ...(options.extra ?? []),
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  const server = await serve(startJava(set, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', [config], options.jvm), port, dataDir)
  // It listens before it serves, and a client that comes in between may wait for its whole session time-out.
  await eventually(async () => (await askZooKeeper(port, 'srvr')).startsWith('Zookeeper version'), { timeoutMs: 60_000 })
  return server
}

/** One Apache Kafka 2.6.3 broker on the given ZooKeeper. `extra` are more lines of server.properties; they win over the ones written here. */
export const startApacheKafka = async (options: {
  zookeeper: string
  id?: number
  dataDir?: string
  port?: number
  extra?: string[]
  jvm?: string[]
}): Promise<ApacheServer> => {
  const dataDir = options.dataDir ?? temporaryDirectory('kafka')
  const port = options.port ?? (await freePort())
  const config = join(dataDir, 'server.properties')
  const lines = [
    `broker.id=${options.id ?? 0}`,
    `listeners=PLAINTEXT://127.0.0.1:${port}`,
    `log.dirs=${join(dataDir, 'logs')}`,
    `zookeeper.connect=${options.zookeeper}`,
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'offsets.topic.num.partitions=5',
    'group.initial.rebalance.delay.ms=0',
    ...(options.extra ?? []),
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  return serve(startJava('kafka-2.6.3', 'kafka.Kafka', [config], options.jvm), port, dataDir)
}
