import { digestMd5Response, isDigestMd5Proof } from './digest-md5.ts'
import { ZooKeeperError } from './errors.ts'
import type { JuteReader, JuteWriter } from './jute.ts'
import type { Operation } from './connection.ts'
import { OPCODES, XIDS, authPacket, saslToken, setWatchesRequest } from './protocol.ts'
import type { WatchRegistry } from './watches.ts'

/** `auth`: what addAuth takes, e.g. {scheme: 'digest', auth: 'user:password'}. `saslDigest`: the DIGEST-MD5 login. */
export type Credentials = {
  auth: { scheme: string; auth: string }[]
  saslDigest?: { username: string; password: string }
}

type Send = (operation: Operation) => void

/** SetWatches goes out in packets of at most about this many bytes of paths. */
const SET_WATCHES_BYTES = 128 * 1024

const exchange = <T>(
  send: Send,
  request: { opcode: number; xid?: number; write: (to: JuteWriter) => void; read: (from: JuteReader) => T },
): Promise<T> =>
  new Promise((resolve, reject) => {
    send({
      opcode: request.opcode,
      ...(request.xid === undefined ? {} : { xid: request.xid }),
      write: request.write,
      succeed: (from) => resolve(request.read(from)),
      refuse: (error) => reject(new ZooKeeperError(error)),
      lose: reject,
    })
  })

export const sendAuth = (send: Send, scheme: string, auth: string): Promise<void> =>
  exchange(send, {
    opcode: OPCODES.auth,
    xid: XIDS.auth,
    write: (to) => authPacket.write(to, { type: 0, scheme, auth: Buffer.from(auth) }),
    read: () => {},
  })

const sendToken = (send: Send, token: Buffer): Promise<Buffer> =>
  exchange(send, {
    opcode: OPCODES.sasl,
    write: (to) => saslToken.write(to, { token }),
    read: (from) => Buffer.from(saslToken.read(from).token ?? []),
  })

/** The client begins with an empty token, as ZooKeeper's Java client does. */
const logInByDigestMd5 = async (send: Send, login: { username: string; password: string }): Promise<void> => {
  const challenge = await sendToken(send, Buffer.alloc(0))
  if (challenge.length === 0) throw new ZooKeeperError('AUTH_FAILED', { reason: 'the server has no SASL users (no JAAS section Server)' })
  const response = digestMd5Response(challenge.toString('utf8'), login)
  const proof = await sendToken(send, Buffer.from(response.text))
  if (!isDigestMd5Proof(proof.toString('utf8'), response)) {
    throw new ZooKeeperError('AUTH_FAILED', { reason: 'the server does not know the password itself' })
  }
}

/** Re-sets what the server forgot with the last connection; what changed since `lastZxid` comes back as events before the answer. */
const resetWatches = async (send: Send, lastZxid: bigint, watches: WatchRegistry): Promise<void> => {
  const left = { data: watches.paths('data'), exist: watches.paths('exist'), child: watches.paths('child') }
  const take = (from: string[], budget: { bytes: number }): string[] => {
    const taken: string[] = []
    while (from.length > 0 && budget.bytes > 0) {
      const path = from.pop()!
      budget.bytes -= path.length + 4
      taken.push(path)
    }
    return taken
  }
  while (left.data.length + left.exist.length + left.child.length > 0) {
    const budget = { bytes: SET_WATCHES_BYTES }
    const [dataWatches, existWatches, childWatches] = [take(left.data, budget), take(left.exist, budget), take(left.child, budget)]
    await exchange(send, {
      opcode: OPCODES.setWatches,
      xid: XIDS.setWatches,
      write: (to) => setWatchesRequest.write(to, { relativeZxid: lastZxid, dataWatches, existWatches, childWatches }),
      read: () => {},
    })
  }
}

/** Everything that a connection needs before the first operation. Throws AUTH_FAILED when the server refuses a credential. */
export const logIn = async (credentials: Credentials, send: Send, session: { lastZxid: bigint; watches: WatchRegistry }): Promise<void> => {
  if (credentials.saslDigest) await logInByDigestMd5(send, credentials.saslDigest)
  for (const { scheme, auth } of credentials.auth) await sendAuth(send, scheme, auth)
  await resetWatches(send, session.lastZxid, session.watches)
}
