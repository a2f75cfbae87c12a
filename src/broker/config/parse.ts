import type { Key, KeyType } from './key.ts'

/** A value that cannot be what its key says. The message names key and value (not for passwords) and says what to write. */
export class ConfigError extends Error {
  readonly key: string
  constructor(key: string, message: string) {
    super(message)
    this.name = 'ConfigError'
    this.key = key
  }
}

const INTEGER_RANGES: Partial<Record<KeyType, readonly [bigint, bigint]>> = {
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
}

const parseInteger = (name: string, type: KeyType, text: string): number => {
  const [min, max] = INTEGER_RANGES[type]!
  if (!/^[+-]?\d+$/.test(text))
    throw new ConfigError(name, `Invalid value ${text} for configuration ${name}: Not a number of type ${type.toUpperCase()}`)
  const value = BigInt(text.replace('+', ''))
  if (value < min || value > max)
    throw new ConfigError(name, `Invalid value ${text} for configuration ${name}: it must be between ${min} and ${max}`)
  return Number(value)
}

const parseDouble = (name: string, text: string): number => {
  const value = text === '' ? Number.NaN : Number(text)
  if (Number.isNaN(value)) throw new ConfigError(name, `Invalid value ${text} for configuration ${name}: Not a number of type DOUBLE`)
  return value
}

const parseBoolean = (name: string, text: string): boolean => {
  if (/^true$/i.test(text)) return true
  if (/^false$/i.test(text)) return false
  throw new ConfigError(name, `Invalid value ${text} for configuration ${name}: Expected value to be either true or false`)
}

/** Elements without surrounding blanks; an empty text is the empty list. */
export const parseList = (text: string): string[] => (text.trim() === '' ? [] : text.trim().split(/\s*,\s*/))

const parseText = (name: string, type: KeyType, text: string): unknown => {
  switch (type) {
    case 'boolean':
      return parseBoolean(name, text.trim())
    case 'int':
    case 'short':
    case 'long':
      return parseInteger(name, type, text.trim())
    case 'double':
      return parseDouble(name, text.trim())
    case 'list':
      return parseList(text)
    case 'password':
      return text
    default:
      return text.trim()
  }
}

/** The value of a key from its text; null stays null. Throws ConfigError when type or validator do not hold. */
export const parseValue = <T>(name: string, key: Key<T>, text: string | null): T => {
  if (text === null) return null as T
  const value = parseText(name, key.type, text)
  const complaint = key.validator?.check(value)
  if (complaint)
    throw new ConfigError(
      name,
      `Invalid value ${key.type === 'password' ? '[hidden]' : text} for configuration ${name}: ${name} ${complaint}`,
    )
  return value as T
}
