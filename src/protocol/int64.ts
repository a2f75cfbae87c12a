import { KafkaError } from './errors.ts'

/** A 64-bit integer, exact: a number where it is a safe integer (all that occurs in practice), a bigint beyond. Decoding never gives a bigint below 2^53. */
export type Int64 = number | bigint

/** For arithmetic: a value beyond 2^53 is refused as INVALID_REQUEST. */
export const toNumber = (value: Int64): number => {
  if (typeof value === 'number') return value
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new KafkaError('INVALID_REQUEST', `${value} is beyond 2^53`)
  return number
}

export const toBigInt = (value: Int64): bigint => BigInt(value)
