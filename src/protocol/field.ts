import type { Int64 } from './int64.ts'

export type Type = 'bool' | 'int8' | 'int16' | 'int32' | 'int64' | 'float64' | 'string' | 'bytes' | 'records' | 'array' | 'struct'

/** What a string or number names, where it names something that exists in the cluster. */
export type EntityType = 'topicName' | 'groupId' | 'transactionalId' | 'brokerId' | 'producerId'

/** Version ranges are written '3+', '0-4' or '2'; a field without `versions` is in all versions of what encloses it. */
export type Options<T> = {
  versions?: string
  /** The versions in which null may be sent. */
  nullable?: string
  /** What a version without the field reads, and what a writer leaves out; else 0, false, '', [] or no bytes, for nullable fields too. */
  default?: T
  /** A version without the field drops the value; otherwise writing anything but the default to such a version is UNSUPPORTED_VERSION. */
  ignorable?: boolean
  entityType?: EntityType
  /** The number of a tagged field, and the versions in which it is tagged (KIP-482). */
  tag?: number
  tagged?: string
  /** 'none': written in the old form by flexible versions too. */
  flexible?: 'none'
}

/** One field of a message as plain data. `T` is the type of its value; decode.ts and encode.ts make readers and writers of it. */
export interface Field<out T = unknown> {
  readonly type: Type
  readonly options: Options<unknown>
  readonly default: T
  /** Of an array. */
  readonly item?: Field
  /** Of a struct, in the order of the wire. */
  readonly fields?: Readonly<Record<string, Field>>
}

export type Infer<F> = F extends Field<infer T> ? T : never
type NotNull<T> = Options<T> & { nullable?: never }
type OrNull<T> = Options<T | null> & { nullable: string }

const valueOr = <T>(given: T | undefined, zero: T): T => (given === undefined ? zero : given)

const scalar =
  <T>(type: Type, zero: T) =>
  (options: NotNull<T> = {}): Field<T> => ({ type, options, default: valueOr(options.default, zero) })

export const bool = scalar<boolean>('bool', false)
export const int8 = scalar<number>('int8', 0)
export const int16 = scalar<number>('int16', 0)
export const int32 = scalar<number>('int32', 0)
/** Exact over the whole range: see Int64. */
export const int64 = scalar<Int64>('int64', 0)
export const float64 = scalar<number>('float64', 0)

type NullableScalar<T> = {
  (options: OrNull<T>): Field<T | null>
  (options?: NotNull<T>): Field<T>
}

const nullableScalar = <T>(type: Type, zero: T) =>
  ((options?: Options<T | null>) => ({ type, options: options ?? {}, default: valueOr(options?.default, zero) })) as NullableScalar<T>

/** At most 32,767 bytes of UTF-8. */
export const string = nullableScalar<string>('string', '')
const NO_BYTES = Buffer.alloc(0)
/** Decoded into memory of its own. */
export const bytes = nullableScalar<Buffer>('bytes', NO_BYTES)
/** Bytes that are record batches: decoded as a view of the message, encoded by reference where the caller takes chunks. */
export const records = nullableScalar<Buffer>('records', NO_BYTES)

export function array<T>(item: Field<T>, options: OrNull<T[]>): Field<T[] | null>
export function array<T>(item: Field<T>, options?: NotNull<T[]>): Field<T[]>
export function array(item: Field, options: Options<unknown[] | null> = {}): Field {
  return { type: 'array', options, default: valueOr<unknown>(options.default, []), item }
}

type Shape = Readonly<Record<string, Field>>

export const struct = <S extends Shape>(fields: S): Field<{ -readonly [K in keyof S]: Infer<S[K]> }> => ({
  type: 'struct',
  options: {},
  default: {} as { -readonly [K in keyof S]: Infer<S[K]> },
  fields,
})

/** [first, last] of '3+', '0-4', '2' or 'none'; an open end is Infinity. */
export const parseVersions = (range: string): [first: number, last: number] => {
  if (range === 'none') return [Infinity, -Infinity]
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(range)
  if (!match) throw new Error(`'${range}' is no version range: write 3+, 0-4 or 2`)
  const first = Number(match[1])
  return [first, match[2] ? Infinity : Number(match[3] ?? first)]
}

export const inVersions = (range: string | undefined, version: number): boolean => {
  if (range === undefined) return true
  const [first, last] = parseVersions(range)
  return version >= first && version <= last
}

/** How a field is in one version of its message. */
export type Form = { present: boolean; nullable: boolean; tagged: boolean; flexible: boolean }

export const formOf = ({ options }: Field, version: number, flexible: boolean): Form => ({
  present: inVersions(options.versions, version),
  nullable: options.nullable !== undefined && inVersions(options.nullable, version),
  tagged: options.tagged !== undefined && inVersions(options.tagged, version),
  flexible: flexible && options.flexible !== 'none',
})

/** A field of a later version than ours that came with a message; kept, so that what was read is written again. */
export type UnknownTaggedField = { tag: number; data: Buffer }
/** Where a decoded struct holds them, when there are any. */
export const unknownTaggedFields = Symbol('unknownTaggedFields')
