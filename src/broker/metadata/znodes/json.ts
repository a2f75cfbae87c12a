/** A znode whose bytes do not read as Kafka's layout has it; the path is in the message. */
export class ZnodeError extends Error {}

export type Json = Readonly<Record<string, unknown>>

export const encodeJson = (value: object): Buffer => Buffer.from(JSON.stringify(value))

/** The object in a znode's data. Throws ZnodeError. */
export const decodeJson = (path: string, data: Buffer): Json => {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  } catch (cause) {
    throw new ZnodeError(`${path} holds no JSON`, { cause })
  }
  throw new ZnodeError(`${path} holds no JSON object`)
}

export const integer = (path: string, json: Json, key: string): number => {
  const value = json[key]
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw new ZnodeError(`${path}: ${key} must be an integer`)
}

export const integers = (path: string, json: Json, key: string): number[] => {
  const value = json[key]
  if (Array.isArray(value) && value.every((element) => Number.isInteger(element))) return value as number[]
  throw new ZnodeError(`${path}: ${key} must be a list of integers`)
}

export const text = (path: string, json: Json, key: string): string => {
  const value = json[key]
  if (typeof value === 'string') return value
  throw new ZnodeError(`${path}: ${key} must be a string`)
}

/** A map whose values are all strings; absent reads as empty. */
export const texts = (path: string, json: Json, key: string): Map<string, string> => {
  const value = json[key] ?? {}
  if (typeof value !== 'object') throw new ZnodeError(`${path}: ${key} must be an object`)
  return new Map(Object.entries(value).map(([name, element]) => [name, String(element)]))
}
