import { type Field, formOf, type Type, unknownTaggedFields } from '../../../src/protocol/schema.ts'
import type { Random } from '../../support/random.ts'

const integer = (random: Random, bits: number): number | bigint => {
  const top = 1n << BigInt(bits - 1)
  const edges = [0n, 1n, -1n, top - 1n, -top, 2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n].filter(
    (edge) => edge >= -top && edge < top,
  )
  const any = BigInt.asIntN(bits, (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)))
  const value = random.next() < 0.4 ? random.pick(edges) : any >> BigInt(random.below(bits))
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

const CHARACTERS = ['a', 'Z', '0', '.', '_', '\u0000', '\n', 'ä', '\u07ff', '中', '\uffff', '😀']
const text = (random: Random): string => {
  if (random.next() < 0.01) return 'x'.repeat(32_767)
  const length = random.pick([0, 1, 5, 20, 63, 64, 127, 128, 300])
  return Array.from({ length }, () => random.pick(CHARACTERS)).join('')
}
const blob = (random: Random): Buffer =>
  Buffer.from(Array.from({ length: random.pick([0, 1, 2, 100, 127, 128, 3000]) }, () => random.below(256)))
const FLOATS = [0, -0, 1.5, -1e300, 5e-324, Infinity, -Infinity, NaN, Number.MAX_VALUE]

const BITS: Partial<Record<Type, number>> = { int8: 8, int16: 16, int32: 32, int64: 64 }

const randomScalar = (type: Type, random: Random): unknown => {
  const bits = BITS[type]
  if (bits) return integer(random, bits)
  if (type === 'bool') return random.next() < 0.5
  if (type === 'float64') return random.next() < 0.5 ? random.pick(FLOATS) : (random.next() - 0.5) * 1e9
  return type === 'string' ? text(random) : blob(random)
}

/** `unknownTags`: structs of flexible versions get tagged fields that nobody knows. */
export type Version = { version: number; flexible: boolean; unknownTags: boolean }

const randomStruct = (fields: Readonly<Record<string, Field>>, version: Version, random: Random): unknown => {
  const value: Record<string | symbol, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const { present } = formOf(field, version.version, version.flexible)
    value[name] = present ? randomValue(field, version, random) : field.default
  }
  if (version.flexible && version.unknownTags && random.next() < 0.2)
    value[unknownTaggedFields] = [7, 300].map((tag) => ({ tag, data: blob(random) }))
  return value
}

/** Any value of a field over the full range of its type, as decoding gives it: what the version lacks has its default. */
export const randomValue = (field: Field, version: Version, random: Random): unknown => {
  if (formOf(field, version.version, version.flexible).nullable && random.next() < 0.2) return null
  if (field.fields) return randomStruct(field.fields, version, random)
  if (!field.item) return randomScalar(field.type, random)
  return Array.from({ length: random.below(4) }, () => randomValue(field.item!, version, random))
}

/** The same text as Oracle.java's for the same values. */
export const printed = (field: Field, value: unknown): string => {
  if (value === null) return 'null'
  switch (field.type) {
    case 'float64': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(value as number)
      return `d${bytes.toString('hex')}`
    }
    case 'string':
      return `s${Buffer.from(value as string).toString('hex')}`
    case 'bytes':
    case 'records':
      return `b${(value as Buffer).toString('hex')}`
    case 'array':
      return `[${(value as unknown[]).map((item) => printed(field.item!, item)).join(',')}]`
    case 'struct': {
      const names = Object.keys(field.fields!).sort()
      return `{${names.map((name) => `${name}=${printed(field.fields![name]!, (value as Record<string, unknown>)[name])};`).join('')}}`
    }
    default:
      return String(value as number | bigint | boolean)
  }
}
