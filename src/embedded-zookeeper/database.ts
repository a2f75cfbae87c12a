import type { WallClock } from '../base/clock.ts'
import { ZooKeeperError } from '../zookeeper/errors.ts'
import { parentOf } from '../zookeeper/paths.ts'
import type { MultiResult } from '../zookeeper/types.ts'
import type { Change } from './change.ts'
import { decide, type Actor, type WriteOp } from './decide.ts'
import type { Outbox } from './outbox.ts'
import type { ZooKeeperState } from './state.ts'
import type { Undo } from './tree.ts'
import type { Applied, WatchTable } from './watch-table.ts'

/** A setAcl outside of a multi answers like a set. */
type Result = MultiResult

/** The one writer of the state: decides, applies, logs, tells the watchers. Each call is one transaction, whole or not at all. */
export class Database {
  readonly state: ZooKeeperState
  readonly #outbox: Outbox
  readonly #watches: WatchTable
  readonly #wall: WallClock

  constructor(options: { state: ZooKeeperState; outbox: Outbox; watches: WatchTable; wall: WallClock }) {
    this.state = options.state
    this.#outbox = options.outbox
    this.#watches = options.watches
    this.#wall = options.wall
  }

  /** One operation; throws what refuses it. */
  write(op: WriteOp, actor: Actor): Result {
    const [result] = this.#transact([op], actor)
    return result!
  }

  /** As ZooKeeper answers a refused multi: OK for the operations before the refused one, RUNTIME_INCONSISTENCY for the ones after it. */
  writeAll(ops: readonly WriteOp[], actor: Actor): MultiResult[] {
    const done: Result[] = []
    try {
      return this.#transact(ops, actor, done)
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error
      return ops.map((_op, index) => {
        if (index === done.length) return { type: 'error', error: error.error }
        return { type: 'error', error: index < done.length ? 'OK' : 'RUNTIME_INCONSISTENCY' }
      })
    }
  }

  openSession(sessionId: bigint, timeoutMs: number, password: Buffer): void {
    const at = this.#next()
    this.#commit(at, [this.#apply({ type: 'openSession', sessionId, timeoutMs, password }, at).applied])
  }

  /** With the session go its ephemeral znodes, in the same transaction. */
  closeSession(sessionId: bigint): void {
    const at = this.#next()
    const deletes = this.state.tree.ephemeralsOf(sessionId).map((path): Change => ({ type: 'delete', path }))
    const changes: Change[] = [...deletes, { type: 'closeSession', sessionId }]
    const all = changes.map((change) => this.#apply(change, at).applied)
    this.#commit(at, all)
  }

  #next() {
    return { zxid: this.state.zxid + 1n, timeMs: this.#wall.nowMs() }
  }

  #transact(ops: readonly WriteOp[], actor: Actor, results: Result[] = []): Result[] {
    const at = this.#next()
    const all: Applied[] = []
    const undos: Undo[] = []
    try {
      for (const op of ops) {
        const change = decide(this.state.tree, op, actor)
        if (change) {
          const { applied, undo } = this.#apply(change, at)
          undos.push(undo)
          all.push(applied)
        }
        results.push(this.#resultOf(op, change))
      }
    } catch (error) {
      for (const undo of undos.reverse()) undo()
      throw error
    }
    if (all.length > 0) this.#commit(at, all)
    return results
  }

  /** The ACLs are the ones of the moment: later operations of the same transaction may take the znode away. */
  #apply(change: Change, at: { zxid: bigint; timeMs: number }): { applied: Applied; undo: Undo } {
    const path = 'path' in change ? change.path : '/'
    const aclOf = (of: string) => this.state.tree.get(of)?.acl ?? []
    const before = aclOf(path)
    const undo = this.state.apply(change, at)
    return { applied: { change, acl: change.type === 'create' ? aclOf(path) : before, parentAcl: aclOf(parentOf(path)) }, undo }
  }

  #commit(at: { zxid: bigint; timeMs: number }, all: readonly Applied[]): void {
    this.state.zxid = at.zxid
    this.#outbox.append({ ...at, changes: all.map(({ change }) => change) })
    for (const applied of all) this.#watches.fire(applied, at.zxid)
  }

  #resultOf(op: WriteOp, change: Change | undefined): Result {
    if (op.type === 'check' || op.type === 'delete') return { type: op.type }
    const { path } = change as { path: string }
    const stat = this.state.tree.statOf(this.state.tree.get(path)!)
    return op.type === 'create' ? { type: 'create', path, stat: op.withStat ? stat : undefined } : { type: 'set', stat }
  }
}
