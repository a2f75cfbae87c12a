import { isObject, type Json, type JsonObject } from '../json.ts'
import { badRequest, unsupportedMediaType } from '../status.ts'
import { decodeProtobuf, PROTOBUF } from './protobuf.ts'

const JSON_TYPES = ['application/json', '']
const YAML_TYPES = ['application/yaml', 'application/apply-patch+yaml']
export const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const
export type PatchType = (typeof PATCH_TYPES)[number]

const parseYaml = async (text: string): Promise<Json> => {
  const { parse } = await import('yaml')
  try {
    return parse(text, { maxAliasCount: 100 }) as Json
  } catch (error) {
    throw badRequest(`error decoding YAML: ${(error as Error).message}`)
  }
}

const parseJson = (text: string): Json => {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw badRequest(`the object provided is unrecognized (must be of type JSON or YAML): ${(error as Error).message}`)
  }
}

/** The value of a request's body by its media type; JSON is tried first where YAML is announced, because clients send it so. */
export const decodeBody = async (bytes: Buffer, mediaType: string): Promise<Json> => {
  if (mediaType === PROTOBUF) return decodeProtobuf(bytes)
  const text = bytes.toString('utf8')
  if (JSON_TYPES.includes(mediaType) || mediaType.endsWith('+json')) return parseJson(text)
  if (!YAML_TYPES.includes(mediaType)) throw unsupportedMediaType(['application/json', 'application/yaml'])
  return /^\s*[{[]/.test(text) ? parseJson(text) : parseYaml(text)
}

export const asBodyObject = (value: Json): JsonObject => {
  if (!isObject(value)) throw badRequest('the body must be an object')
  return value
}
