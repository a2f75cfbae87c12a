import { decodeJson, encodeJson, integer, text, ZnodeError } from './json.ts'

/** Producer ids that one broker may give out; both ends belong to it. */
export type ProducerIdBlock = { brokerId: number; first: number; last: number }

const path = '/latest_producer_id_block'

const id = (json: ReturnType<typeof decodeJson>, key: string): number => {
  const value = Number(text(path, json, key))
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new ZnodeError(`${path}: ${key} must be an integer from 0 to 2^53 - 1`)
}

/** The block that was taken last, of all brokers; without data before the first one. Version 1, as 2.6 writes it: the ids are strings. */
export const producerIdBlockZnode = {
  path,
  encode: ({ brokerId, first, last }: ProducerIdBlock): Buffer =>
    encodeJson({ version: 1, broker: brokerId, block_start: String(first), block_end: String(last) }),
  decode: (data: Buffer): ProducerIdBlock => {
    const json = decodeJson(path, data)
    return { brokerId: integer(path, json, 'broker'), first: id(json, 'block_start'), last: id(json, 'block_end') }
  },
}
