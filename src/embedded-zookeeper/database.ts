import type { WallClock } from '../base/clock.ts'
import { ZooKeeperError } from '../zookeeper/errors.ts'
import type { MultiResult } from '../zookeeper/types.ts'
import type { Change } from './change.ts'
import { decide, type Actor, type WriteOp } from './decide.ts'
import type { Outbox } from './outbox.ts'
import type { ZooKeeperState } from './state.ts'
import type { Undo } from './tree.ts'
import type { WatchTable } from './watch-table.ts'

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
    const change: Change = { type: 'openSession', sessionId, timeoutMs, password }
    this.state.apply(change, at)
    this.#commit(at, [change])
  }

  /** With the session go its ephemeral znodes, in the same transaction. */
  closeSession(sessionId: bigint): void {
    const at = this.#next()
    const deletes = this.state.tree.ephemeralsOf(sessionId).map((path): Change => ({ type: 'delete', path }))
    const changes: Change[] = [...deletes, { type: 'closeSession', sessionId }]
    for (const change of changes) this.state.apply(change, at)
    this.#commit(at, changes)
  }

  #next() {
    return { zxid: this.state.zxid + 1n, timeMs: this.#wall.nowMs() }
  }

  #transact(ops: readonly WriteOp[], actor: Actor, results: Result[] = []): Result[] {
    const at = this.#next()
    const changes: Change[] = []
    const undos: Undo[] = []
    try {
      for (const op of ops) {
        const change = decide(this.state.tree, op, actor)
        if (change) {
          undos.push(this.state.apply(change, at))
          changes.push(change)
        }
        results.push(this.#resultOf(op, change))
      }
    } catch (error) {
      for (const undo of undos.reverse()) undo()
      throw error
    }
    if (changes.length > 0) this.#commit(at, changes)
    return results
  }

  #commit(at: { zxid: bigint; timeMs: number }, changes: readonly Change[]): void {
    this.state.zxid = at.zxid
    this.#outbox.append({ ...at, changes })
    for (const change of changes) this.#watches.fire(change, at.zxid)
  }

  #resultOf(op: WriteOp, change: Change | undefined): Result {
    if (op.type === 'check' || op.type === 'delete') return { type: op.type }
    const { path } = change as { path: string }
    const stat = this.state.tree.statOf(this.state.tree.get(path)!)
    return op.type === 'create' ? { type: 'create', path, stat: op.withStat ? stat : undefined } : { type: 'set', stat }
  }
}
