import { crc32 } from 'node:zlib'
import { JuteReader, JuteWriter, buffer, int, long, record, time, ustring } from '../zookeeper/jute.ts'
import { acls } from '../zookeeper/protocol.ts'
import { ZooKeeperState } from './state.ts'

const MAGIC = Buffer.from('SKZSNAP1')
const CRC_BYTES = 4

const head = record({ zxid: long, lastSessionId: long, sessions: int, znodes: int })
const session = record({ sessionId: long, timeoutMs: int, password: buffer })
const znode = record({
  path: ustring,
  data: buffer,
  acl: acls,
  czxid: long,
  mzxid: long,
  ctime: time,
  mtime: time,
  version: int,
  aversion: int,
  creates: int,
  ephemeralOwner: long,
  pzxid: long,
})

/**
 * A snapshot file: the magic `SKZSNAP1`, a CRC-32 of the rest, then in Jute {zxid, last session id, counts}, the sessions, and the znodes, each after
 * its parent. It is the state after transaction `zxid` exactly.
 */
export const encodeSnapshot = (state: ZooKeeperState): Buffer => {
  const to = new JuteWriter()
  head.write(to, { zxid: state.zxid, lastSessionId: state.lastSessionId, sessions: state.sessions.size, znodes: state.tree.size })
  for (const [sessionId, value] of state.sessions) session.write(to, { sessionId, ...value })
  // The map keeps the order of creation, so a parent comes before its children.
  for (const [path, node] of state.tree.entries()) znode.write(to, { path, ...node })
  const body = to.done()
  const crc = Buffer.alloc(CRC_BYTES)
  crc.writeUInt32BE(crc32(body))
  return Buffer.concat([MAGIC, crc, body])
}

/** Throws on bytes that are no whole snapshot. */
export const decodeSnapshot = (bytes: Buffer): ZooKeeperState => {
  const start = MAGIC.length + CRC_BYTES
  if (bytes.length < start || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('not a snapshot of this version')
  const body = bytes.subarray(start)
  if (crc32(body) !== bytes.readUInt32BE(MAGIC.length)) throw new Error('the checksum does not fit')
  const from = new JuteReader(body)
  const state = new ZooKeeperState()
  const { zxid, lastSessionId, sessions, znodes } = head.read(from)
  for (let left = sessions; left > 0; left--) {
    const { sessionId, timeoutMs, password } = session.read(from)
    state.sessions.set(sessionId, { timeoutMs, password: Buffer.from(password ?? []) })
  }
  for (let left = znodes; left > 0; left--) {
    const { path, ...fields } = znode.read(from)
    state.tree.restore(path, fields)
  }
  state.zxid = zxid
  state.lastSessionId = lastSessionId
  return state
}
