import { JuteError, buffer, int, long, record, time, ustring, vector, type Codec } from '../zookeeper/jute.ts'
import { acls } from '../zookeeper/protocol.ts'
import type { Acl } from '../zookeeper/types.ts'

/** What a transaction does to the state, already decided: applying it cannot fail, and gives the same state on every replay. */
export type Change =
  | { type: 'create'; path: string; data: Buffer | null; acl: readonly Acl[]; ephemeralOwner: bigint }
  | { type: 'delete'; path: string }
  | { type: 'set'; path: string; data: Buffer | null }
  | { type: 'setAcl'; path: string; acl: readonly Acl[] }
  | { type: 'openSession'; sessionId: bigint; timeoutMs: number; password: Buffer | null }
  | { type: 'closeSession'; sessionId: bigint }

/** `timeMs` is wall time, for ctime and mtime. */
export type Transaction = { zxid: bigint; timeMs: number; changes: readonly Change[] }

type Body = Codec<unknown>
const KINDS: readonly { type: Change['type']; body: Body }[] = [
  { type: 'create', body: record({ path: ustring, data: buffer, acl: acls, ephemeralOwner: long }) },
  { type: 'delete', body: record({ path: ustring }) },
  { type: 'set', body: record({ path: ustring, data: buffer }) },
  { type: 'setAcl', body: record({ path: ustring, acl: acls }) },
  { type: 'openSession', body: record({ sessionId: long, timeoutMs: int, password: buffer }) },
  { type: 'closeSession', body: record({ sessionId: long }) },
]

const change: Codec<Change> = {
  read: (from) => {
    const kind = from.int()
    const found = KINDS[kind]
    if (!found) throw new JuteError(`a change of kind ${kind}`)
    return { type: found.type, ...(found.body.read(from) as object) } as Change
  },
  write: (to, value) => {
    const kind = KINDS.findIndex(({ type }) => type === value.type)
    to.int(kind)
    KINDS[kind]!.body.write(to, value)
  },
}

/** The content of one record of the transaction log. */
export const transaction: Codec<Transaction> = record({ zxid: long, timeMs: time, changes: vector(change) })
