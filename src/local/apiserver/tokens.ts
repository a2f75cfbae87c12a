import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import type { WallClock } from '../../base/clock.ts'
import type { Disk, DiskFile } from '../../base/disk.ts'
import type { Identity } from './types.ts'

/** Only a hash of the token is kept. `expiresMs` is wall time. */
type Record = { hash: string; user: string; groups: string[]; uid?: string; expiresMs?: number; boundUid?: string }

const MAX_TOKENS = 20_000
const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url')

/** Opaque bearer tokens and who they speak for; they survive a restart as lines of hashes. */
export class Tokens {
  readonly #wall: WallClock
  readonly #file: DiskFile
  #sizeBytes = 0
  #records = new Map<string, Record>()

  constructor(options: { disk: Disk; directory: string; wall: WallClock }) {
    this.#wall = options.wall
    this.#file = options.disk.open(join(options.directory, 'tokens'), 'create')
    const bytes = Buffer.alloc(this.#file.sizeBytes())
    this.#file.readSync(bytes, 0)
    const lines = bytes.toString().split('\n')
    lines.pop()
    for (const line of lines) {
      const record = JSON.parse(line) as Record
      if (!this.#isExpired(record)) this.#records.set(record.hash, record)
    }
    this.#rewrite()
  }

  issue(identity: Identity, options: { expiresMs?: number; boundUid?: string } = {}): string {
    const token = randomBytes(32).toString('base64url')
    const record: Record = {
      hash: hashOf(token),
      user: identity.user,
      groups: [...(identity.groups ?? [])],
      ...(identity.uid ? { uid: identity.uid } : {}),
      ...options,
    }
    if (this.#records.size >= MAX_TOKENS) this.#dropOldest()
    this.#records.set(record.hash, record)
    this.#append(record)
    return token
  }

  /** Who the token speaks for; undefined for an unknown or expired one. */
  identify(token: string): Identity | undefined {
    const hash = hashOf(token)
    const record = this.#records.get(hash)
    if (!record || !timingSafeEqual(Buffer.from(record.hash), Buffer.from(hash)) || this.#isExpired(record)) return undefined
    return { user: record.user, groups: [...record.groups, 'system:authenticated'], ...(record.uid ? { uid: record.uid } : {}) }
  }

  /** Tokens that were bound to a pod end with it. */
  revokeBoundTo(uid: string): void {
    for (const [hash, record] of this.#records) if (record.boundUid === uid) this.#records.delete(hash)
  }

  close(): void {
    this.#rewrite()
    this.#file.close()
  }

  #isExpired(record: Record): boolean {
    return record.expiresMs !== undefined && record.expiresMs <= this.#wall.nowMs()
  }

  #dropOldest(): void {
    for (const [hash, record] of this.#records) if (this.#isExpired(record)) this.#records.delete(hash)
    const oldest = this.#records.keys().next()
    if (this.#records.size >= MAX_TOKENS && !oldest.done) this.#records.delete(oldest.value)
  }

  #append(record: Record): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`)
    this.#file.writeSync([line], this.#sizeBytes)
    this.#sizeBytes += line.length
  }

  #rewrite(): void {
    this.#file.truncateSync(0)
    this.#sizeBytes = 0
    for (const record of this.#records.values()) this.#append(record)
  }
}
