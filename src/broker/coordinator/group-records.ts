/**
 * The records of __consumer_offsets: an int16 version, then the fields of that version; keys of version 0 and 1 are offsets, of version 2 groups. No value means
 * that the offset or group is gone. Written are key 1 or 2 and value 3 (value 1 for an offset with a time to expire).
 * Source: GroupMetadataManager of 2.6.3; a test reads what is written with Apache's formatters.
 */
import {
  api,
  array,
  bytes,
  decodeRequest,
  encodeRequest,
  int32,
  int64,
  string,
  struct,
  type Api,
  type RequestOf,
} from '../../protocol/schema.ts'
import type { Int64 } from '../../protocol/int64.ts'
import type { NewRecord } from '../../protocol/records/build-batch.ts'

export type StoredOffset = {
  offset: Int64
  /** -1: the client did not say. */
  leaderEpoch: number
  metadata: string
  /** ms since 1970. */
  commitTimestamp: Int64
  /** ms since 1970, from requests before version 5; -1: the broker's retention decides. */
  expireTimestamp: Int64
}
export type StoredMember = {
  memberId: string
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  subscription: Buffer
  assignment: Buffer
}
export type StoredGroup = {
  protocolType: string
  generation: number
  protocol: string | null
  leader: string | null
  /** ms since 1970; -1: not known. */
  stateTimestamp: Int64
  members: readonly StoredMember[]
}
export type OffsetRecord = { type: 'offset'; group: string; topic: string; partition: number; value: StoredOffset | null }
export type GroupRecord = OffsetRecord | { type: 'group'; group: string; value: StoredGroup | null }

const nothing = struct({})
/** Borrows the schemas of the protocol: the same primitives and version ranges. */
const format = <Q>(name: string, versions: string, request: Api<Q>['request']): Api<Q> =>
  api({ key: -1, name, versions, flexible: 'none', request, response: nothing }) as Api<Q>

const offsetKey = format('OffsetCommitKey', '0-1', struct({ group: string(), topic: string(), partition: int32() }))
const groupKey = format('GroupMetadataKey', '2', struct({ group: string() }))
const offsetValue = format(
  'OffsetCommitValue',
  '0-3',
  struct({
    offset: int64(),
    leaderEpoch: int32({ versions: '3+', default: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ versions: '1', default: -1 }),
  }),
)
const groupValue = format(
  'GroupMetadataValue',
  '0-3',
  struct({
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: '0+' }),
    leader: string({ nullable: '0+' }),
    stateTimestamp: int64({ versions: '2+', default: -1 }),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
        clientId: string(),
        clientHost: string(),
        rebalanceTimeoutMs: int32({ versions: '1+', default: -1 }),
        sessionTimeoutMs: int32(),
        subscription: bytes(),
        assignment: bytes(),
      }),
    ),
  }),
)

const OFFSET_KEY_VERSION = 1
const GROUP_KEY_VERSION = 2
const VALUE_VERSION = 3
const EXPIRING_VALUE_VERSION = 1

const encode = <A extends Api>(schema: A, version: number, value: Parameters<typeof encodeRequest<A>>[2]): Buffer => {
  const prefix = Buffer.alloc(2)
  prefix.writeInt16BE(version)
  return Buffer.concat([prefix, encodeRequest(schema, version, value)])
}

const encodeValue = (record: GroupRecord): Buffer | null => {
  if (record.value === null) return null
  if (record.type === 'group') return encode(groupValue, VALUE_VERSION, record.value)
  return encode(offsetValue, record.value.expireTimestamp === -1 ? VALUE_VERSION : EXPIRING_VALUE_VERSION, record.value)
}

/** TypeError for a text that is too long for the format. */
export const encodeGroupRecord = (record: GroupRecord): { key: Buffer; value: Buffer | null } => {
  const { group } = record
  const key =
    record.type === 'group'
      ? encode(groupKey, GROUP_KEY_VERSION, { group })
      : encode(offsetKey, OFFSET_KEY_VERSION, { group, topic: record.topic, partition: record.partition })
  return { key, value: encodeValue(record) }
}

export const newRecordOf = (record: GroupRecord, timestamp: number): NewRecord => ({ timestamp, ...encodeGroupRecord(record) })

const isIn = (schema: Api, version: number): boolean => version >= schema.minVersion && version <= schema.maxVersion
const versionOf = (bytes: Buffer): number => (bytes.length < 2 ? -1 : bytes.readInt16BE())
const decode = <Q>(schema: Api<Q>, version: number, bytes: Buffer): Q => decodeRequest(schema, version, bytes, 2)

const decodeGroup = (value: Buffer, version: number): StoredGroup => {
  const group: RequestOf<typeof groupValue> = decode(groupValue, version, value)
  if (version > 0) return group
  return { ...group, members: group.members.map((member) => ({ ...member, rebalanceTimeoutMs: member.sessionTimeoutMs })) }
}

/** undefined for a record of a later Kafka. KafkaError INVALID_REQUEST for bytes that are none of the formats. */
export const decodeGroupRecord = (key: Buffer, value: Buffer | null): GroupRecord | undefined => {
  const keyVersion = versionOf(key)
  const version = value === null ? 0 : versionOf(value)
  if (isIn(offsetKey, keyVersion) && isIn(offsetValue, version)) {
    return { type: 'offset', ...decode(offsetKey, keyVersion, key), value: value && decode(offsetValue, version, value) }
  }
  if (isIn(groupKey, keyVersion) && isIn(groupValue, version)) {
    return { type: 'group', ...decode(groupKey, keyVersion, key), value: value && decodeGroup(value, version) }
  }
  return undefined
}
