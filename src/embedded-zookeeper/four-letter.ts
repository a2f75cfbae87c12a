import type { Database } from './database.ts'
import type { WatchTable } from './watch-table.ts'
import type { ZooKeeperConfig } from './zoo-cfg.ts'

/** A client as the words show it. */
type Client = {
  readonly remote: string
  readonly sessionId: bigint
  readonly unsentAnswers: number
  readonly receivedCount: number
  readonly sentCount: number
}
/** The server whose state the words show. */
export interface Observed {
  readonly config: ZooKeeperConfig
  readonly port: number
  readonly database: Database
  readonly watches: WatchTable
  readonly connections: Iterable<Client>
  /** Of connections that are gone. */
  readonly receivedCount: number
  readonly sentCount: number
}

/** Every word of Apache's server; the ones without an answer here say so like a word outside the whitelist. */
const WORDS = [
  'conf',
  'cons',
  'crst',
  'dirs',
  'dump',
  'envi',
  'gtmk',
  'hash',
  'isro',
  'mntr',
  'ruok',
  'srst',
  'srvr',
  'stat',
  'stmk',
  'wchc',
  'wchp',
  'wchs',
]
const BY_NUMBER = new Map(WORDS.map((word) => [Buffer.from(word).readInt32BE(0), word]))
const VERSION = 'sofakafka-embedded'

/** The word that the first four bytes of a connection spell. */
export const wordOf = (number: number | undefined): string | undefined => (number === undefined ? undefined : BY_NUMBER.get(number))

const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join('')

const clients = (server: Observed): string[] =>
  [...server.connections].map(({ remote, sessionId, unsentAnswers, receivedCount, sentCount }) => {
    const session = sessionId === 0n ? '' : `,sid=0x${BigInt.asUintN(64, sessionId).toString(16)}`
    return ` /${remote}[1](queued=${unsentAnswers},recved=${receivedCount},sent=${sentCount}${session})`
  })

const counts = (server: Observed) => {
  const all = [...server.connections]
  const sum = (of: (connection: (typeof all)[number]) => number) => all.reduce((total, connection) => total + of(connection), 0)
  return {
    received: server.receivedCount + sum(({ receivedCount }) => receivedCount),
    sent: server.sentCount + sum(({ sentCount }) => sentCount),
    outstanding: sum(({ unsentAnswers }) => unsentAnswers),
    connections: all.length,
  }
}

const summary = (server: Observed): string[] => {
  const { received, sent, outstanding, connections } = counts(server)
  const { state } = server.database
  return [
    `Received: ${received}`,
    `Sent: ${sent}`,
    `Connections: ${connections}`,
    `Outstanding: ${outstanding}`,
    `Zxid: 0x${state.zxid.toString(16)}`,
    'Mode: standalone',
    `Node count: ${state.tree.size}`,
  ]
}

const monitor = (server: Observed): string => {
  const { received, sent, outstanding, connections } = counts(server)
  const { tree, sessions } = server.database.state
  const values = {
    zk_version: VERSION,
    zk_server_state: 'standalone',
    zk_packets_received: received,
    zk_packets_sent: sent,
    zk_num_alive_connections: connections,
    zk_outstanding_requests: outstanding,
    zk_znode_count: tree.size,
    zk_watch_count: server.watches.count,
    zk_ephemerals_count: tree.ephemeralCount,
    zk_approximate_data_size: tree.dataBytes,
    zk_global_sessions: sessions.size,
  }
  return lines(...Object.entries(values).map(([name, value]) => `${name}\t${value}`))
}

const ANSWERS: Record<string, (server: Observed) => string> = {
  ruok: () => 'imok',
  isro: () => 'rw',
  srvr: (server) => lines(`Zookeeper version: ${VERSION}`, ...summary(server)),
  stat: (server) => lines(`Zookeeper version: ${VERSION}`, 'Clients:', ...clients(server), '', ...summary(server)),
  cons: (server) => lines(...clients(server), ''),
  mntr: monitor,
  envi: () =>
    lines(
      'Environment:',
      `zookeeper.version=${VERSION}`,
      `node.version=${process.version}`,
      `os.name=${process.platform}`,
      `os.arch=${process.arch}`,
    ),
  conf: ({ config, port }) =>
    lines(
      `clientPort=${port}`,
      `dataDir=${config.dataDir}`,
      `dataLogDir=${config.dataLogDir}`,
      `tickTime=${config.tickTimeMs}`,
      `maxClientCnxns=${config.maxClientCnxns}`,
      `minSessionTimeout=${config.minSessionTimeoutMs}`,
      `maxSessionTimeout=${config.maxSessionTimeoutMs}`,
      `serverId=${config.serverId}`,
    ),
}

export const answerOf = (word: string, server: Observed): string => {
  const answer = Object.hasOwn(ANSWERS, word) ? ANSWERS[word] : undefined
  if (answer && server.config.commandWhitelist.includes(word)) return answer(server)
  return `${word} is not executed because it is not in the whitelist.\n`
}
