import { decodeJson, encodeJson, integer, ZnodeError } from './json.ts'

/** Ephemeral: whoever made it is the controller. */
export const controllerZnode = {
  path: '/controller',
  encode: (brokerId: number, timestampMs: number): Buffer => encodeJson({ version: 1, brokerid: brokerId, timestamp: String(timestampMs) }),
  decode: (data: Buffer): number => integer('/controller', decodeJson('/controller', data), 'brokerid'),
}

/** Plain text. Its data version is what every write of a controller checks. */
export const controllerEpochZnode = {
  path: '/controller_epoch',
  encode: (epoch: number): Buffer => Buffer.from(String(epoch)),
  decode: (data: Buffer): number => {
    const epoch = Number(data.toString('utf8'))
    if (!Number.isInteger(epoch)) throw new ZnodeError('/controller_epoch holds no integer')
    return epoch
  },
}
