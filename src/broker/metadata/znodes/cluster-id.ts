import { decodeJson, encodeJson, text } from './json.ts'

/** The version is a string here, alone among the znodes. */
export const clusterIdZnode = {
  path: '/cluster/id',
  encode: (id: string): Buffer => encodeJson({ version: '1', id }),
  decode: (data: Buffer): string => text('/cluster/id', decodeJson('/cluster/id', data), 'id'),
}
