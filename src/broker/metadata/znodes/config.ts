import { decodeJson, encodeJson, integer, text, texts } from './json.ts'

export type ConfigEntityType = 'topics' | 'clients' | 'users' | 'brokers'
export const CONFIG_CHANGES = '/config/changes'
export const DEFAULT_ENTITY = '<default>'

/** Names of users and clients may hold anything; Kafka writes them URL-encoded, with * and blanks encoded too (Sanitizer.java). */
export const sanitize = (name: string): string =>
  encodeURIComponent(name).replace(/[!'()~*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
export const desanitize = (name: string): string => decodeURIComponent(name.replaceAll('+', '%20'))

/** What is set for a topic, a broker, a user or a client; `entity` is the last part of the path, sanitised where it must be. */
export const configZnode = {
  path: (type: ConfigEntityType, entity: string): string => `/config/${type}/${entity}`,
  encode: (config: ReadonlyMap<string, string>): Buffer => encodeJson({ version: 1, config: Object.fromEntries(config) }),
  decode: (type: ConfigEntityType, entity: string, data: Buffer): Map<string, string> => {
    const path = configZnode.path(type, entity)
    return texts(path, decodeJson(path, data), 'config')
  },
}

/** A sequential znode per change; every broker reads it and then the entity itself. `entityPath` is relative to /config. */
export const configChangeZnode = {
  sequencePrefix: `${CONFIG_CHANGES}/config_change_`,
  encode: (entityPath: string): Buffer => encodeJson({ version: 2, entity_path: entityPath }),
  /** Version 1 named type and entity apart; it must still be understood. */
  decode: (path: string, data: Buffer): string => {
    const json = decodeJson(path, data)
    if (integer(path, json, 'version') === 1) return `${text(path, json, 'entity_type')}/${text(path, json, 'entity_name')}`
    return text(path, json, 'entity_path')
  },
}
