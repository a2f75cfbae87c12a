import { zooKeeperErrorCode, zooKeeperErrorName } from './errors.ts'
import { JuteError, boolean, int, record, type Codec, type JuteReader, type JuteWriter } from './jute.ts'
import { CREATE_FLAGS, OPCODES, createRequest, path, pathAndStat, pathAndVersion, setDataRequest, statResponse } from './protocol.ts'
import { OPEN_ACL, type Acl, type MultiOp, type MultiResult, type Stat } from './types.ts'

const multiHeader = record({ type: int, done: boolean, err: int })
const END = { type: -1, done: true, err: -1 }
const errorResponse = record({ err: int })

/** An operation as a server reads it; `flags` and `withStat` keep what the client's modes cannot say. */
export type RawOp =
  | { type: 'check'; path: string; version: number }
  | { type: 'create'; path: string; data: Buffer | null; acl: readonly Acl[]; flags: number; withStat: boolean }
  | { type: 'delete'; path: string; version: number }
  | { type: 'set'; path: string; data: Buffer | null; version: number }

const OPCODE_OF = { check: OPCODES.check, create: OPCODES.create2, delete: OPCODES.delete, set: OPCODES.setData }

const writeOp = (to: JuteWriter, op: MultiOp): void => {
  multiHeader.write(to, { type: OPCODE_OF[op.type], done: false, err: -1 })
  if (op.type === 'create') {
    createRequest.write(to, { path: op.path, data: op.data, acl: op.acl ?? OPEN_ACL, flags: CREATE_FLAGS[op.mode ?? 'persistent'] })
  } else if (op.type === 'set') setDataRequest.write(to, op)
  else pathAndVersion.write(to, op)
}

/** create2 is asked for, so that every create answers with its stat. */
export const writeMulti = (to: JuteWriter, ops: readonly MultiOp[]): void => {
  for (const op of ops) writeOp(to, op)
  multiHeader.write(to, END)
}

const readOp = (from: JuteReader, type: number): RawOp => {
  switch (type) {
    case OPCODES.check:
      return { type: 'check', ...pathAndVersion.read(from) }
    case OPCODES.delete:
      return { type: 'delete', ...pathAndVersion.read(from) }
    case OPCODES.setData:
      return { type: 'set', ...setDataRequest.read(from) }
    case OPCODES.create:
    case OPCODES.create2:
      return { type: 'create', ...createRequest.read(from), withStat: type === OPCODES.create2 }
    default:
      throw new JuteError(`operation ${type} in a multi`)
  }
}

export const readMulti = (from: JuteReader): RawOp[] => {
  const ops: RawOp[] = []
  for (let header = multiHeader.read(from); !header.done; header = multiHeader.read(from)) ops.push(readOp(from, header.type))
  return ops
}

const writeCreated = (to: JuteWriter, created: string, stat: Stat | undefined): void => {
  if (stat) pathAndStat.write(to, { path: created, stat })
  else path.write(to, { path: created })
}

/** A create without a stat was asked for by the older opcode. */
export const writeMultiResults = (to: JuteWriter, results: readonly MultiResult[]): void => {
  results.forEach((result) => {
    if (result.type === 'error') {
      const err = zooKeeperErrorCode(result.error)
      multiHeader.write(to, { type: OPCODES.error, done: false, err })
      return errorResponse.write(to, { err })
    }
    const isPlain = result.type === 'create' && !result.stat
    multiHeader.write(to, { type: isPlain ? OPCODES.create : OPCODE_OF[result.type], done: false, err: 0 })
    if (result.type === 'create') writeCreated(to, result.path, result.stat)
    else if (result.type === 'set') statResponse.write(to, result)
  })
  multiHeader.write(to, END)
}

const readResult = (from: JuteReader, type: number): MultiResult => {
  switch (type) {
    case OPCODES.check:
      return { type: 'check' }
    case OPCODES.delete:
      return { type: 'delete' }
    case OPCODES.setData:
      return { type: 'set', ...statResponse.read(from) }
    case OPCODES.create:
      return { type: 'create', ...path.read(from), stat: undefined }
    case OPCODES.create2:
      return { type: 'create', ...pathAndStat.read(from) }
    case OPCODES.error:
      return { type: 'error', error: zooKeeperErrorName(errorResponse.read(from).err) }
    default:
      throw new JuteError(`result ${type} in a multi`)
  }
}

export const multiResults: Codec<readonly MultiResult[]> = {
  read: (from) => {
    const results: MultiResult[] = []
    for (let header = multiHeader.read(from); !header.done; header = multiHeader.read(from)) results.push(readResult(from, header.type))
    return results
  },
  write: (to, results) => writeMultiResults(to, results),
}
