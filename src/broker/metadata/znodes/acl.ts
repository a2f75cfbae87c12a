import {
  type AclBinding,
  fromPascalCase,
  OPERATIONS,
  pascalCase,
  type PatternType,
  PERMISSIONS,
  type ResourcePattern,
  RESOURCE_TYPES,
  type ResourceType,
} from '../../../security/acl.ts'
import { decodeJson, encodeJson, integer, type Json, text, ZnodeError } from './json.ts'

/** Prefixed patterns came later and have a store of their own, with change notifications in JSON instead of text. */
export const ACL_STORES = [
  { patternType: 'LITERAL', root: '/kafka-acl', changes: '/kafka-acl-changes' },
  { patternType: 'PREFIXED', root: '/kafka-acl-extended/prefixed', changes: '/kafka-acl-extended-changes' },
] as const
export type AclStore = (typeof ACL_STORES)[number]
const storeOf = (patternType: PatternType): AclStore => ACL_STORES.find((store) => store.patternType === patternType)!

/** The resource types that have a znode under each store's root. */
export const ACL_RESOURCE_TYPES: readonly ResourceType[] = ['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID', 'DELEGATION_TOKEN']

const decodeEntry = (path: string, pattern: ResourcePattern, json: Json): AclBinding => {
  const operation = fromPascalCase(OPERATIONS, text(path, json, 'operation'))
  const permission = fromPascalCase(PERMISSIONS, text(path, json, 'permissionType'))
  if (!operation || !permission) throw new ZnodeError(`${path}: unknown operation or permission`)
  const { resourceType, resourceName, patternType } = pattern
  return {
    resourceType,
    resourceName,
    patternType,
    principal: text(path, json, 'principal'),
    host: text(path, json, 'host'),
    operation,
    permission,
  }
}

/** All entries of one pattern. Pascal case in paths and entries: /kafka-acl/TransactionalId/x. */
export const aclZnode = {
  typePath: (store: AclStore, type: ResourceType): string => `${store.root}/${pascalCase(type)}`,
  path: ({ resourceType, resourceName, patternType }: ResourcePattern): string =>
    `${aclZnode.typePath(storeOf(patternType), resourceType)}/${resourceName}`,
  encode: (bindings: readonly AclBinding[]): Buffer =>
    encodeJson({
      version: 1,
      acls: bindings.map(({ principal, permission, operation, host }) => ({
        principal,
        permissionType: pascalCase(permission),
        operation: pascalCase(operation),
        host,
      })),
    }),
  decode: (pattern: ResourcePattern, data: Buffer): AclBinding[] => {
    const path = aclZnode.path(pattern)
    const json = decodeJson(path, data)
    if (integer(path, json, 'version') !== 1 || !Array.isArray(json['acls'])) throw new ZnodeError(`${path} must hold version 1 and acls`)
    return (json['acls'] as Json[]).map((entry) => decodeEntry(path, pattern, entry))
  },
}

const decodeLiteral = (path: string, line: string): ResourcePattern => {
  const at = line.indexOf(':')
  const resourceType = line.slice(0, at)
  if (at < 0 || !Object.hasOwn(RESOURCE_TYPES, resourceType)) throw new ZnodeError(`${path} must read TYPE:NAME`)
  return { resourceType: resourceType as ResourceType, resourceName: line.slice(at + 1), patternType: 'LITERAL' }
}

/** Upper-case names here: TOPIC:t1, and PREFIXED in the extended form. */
export const aclChangeZnode = {
  sequencePrefix: (store: AclStore): string => `${store.changes}/acl_changes_`,
  encode: ({ resourceType, resourceName, patternType }: ResourcePattern): Buffer =>
    patternType === 'LITERAL'
      ? Buffer.from(`${resourceType}:${resourceName}`)
      : encodeJson({ version: 1, resourceType, name: resourceName, patternType }),
  decode: (store: AclStore, path: string, data: Buffer): ResourcePattern => {
    if (store.patternType === 'LITERAL') return decodeLiteral(path, data.toString('utf8'))
    const json = decodeJson(path, data)
    const resourceType = text(path, json, 'resourceType')
    const patternType = text(path, json, 'patternType')
    if (!Object.hasOwn(RESOURCE_TYPES, resourceType) || patternType !== 'PREFIXED') throw new ZnodeError(`${path}: unknown type`)
    return { resourceType: resourceType as ResourceType, resourceName: text(path, json, 'name'), patternType }
  },
}
