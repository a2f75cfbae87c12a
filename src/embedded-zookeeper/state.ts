import type { Change, Transaction } from './change.ts'
import { ZnodeTree, type Undo } from './tree.ts'

/** A session as the log knows it; when it was last heard of is not kept. */
export type SessionRecord = { timeoutMs: number; password: Buffer }

const NOTHING: Undo = () => {}

/** All that a snapshot and the log after it hold: znodes, sessions, the last transaction. Replay is the same `apply` as service. */
export class ZooKeeperState {
  readonly tree = new ZnodeTree()
  readonly sessions = new Map<bigint, SessionRecord>()
  zxid = 0n
  /** The largest session id ever given out; ids are not used twice. */
  lastSessionId = 0n

  replay(transaction: Transaction): void {
    for (const change of transaction.changes) this.apply(change, transaction)
    this.zxid = transaction.zxid
  }

  /** One change of the transaction that is being made; `zxid` moves when the whole is applied. */
  apply(change: Change, at: { zxid: bigint; timeMs: number }): Undo {
    switch (change.type) {
      case 'create':
        return this.tree.create(change.path, change, at)
      case 'delete':
        return this.tree.delete(change.path, at.zxid)
      case 'set':
        return this.tree.set(change.path, change.data, at)
      case 'setAcl':
        return this.tree.setAcl(change.path, change.acl)
      case 'openSession':
        this.sessions.set(change.sessionId, { timeoutMs: change.timeoutMs, password: Buffer.from(change.password ?? []) })
        if (change.sessionId > this.lastSessionId) this.lastSessionId = change.sessionId
        return NOTHING
      case 'closeSession':
        this.sessions.delete(change.sessionId)
        return NOTHING
    }
  }
}
