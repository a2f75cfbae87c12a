/** Kafka's names with their wire values. Sources: ResourceType, PatternType, AclOperation and AclPermissionType of kafka-clients. */
export const RESOURCE_TYPES = { UNKNOWN: 0, ANY: 1, TOPIC: 2, GROUP: 3, CLUSTER: 4, TRANSACTIONAL_ID: 5, DELEGATION_TOKEN: 6 } as const
export const PATTERN_TYPES = { UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const
export const OPERATIONS = {
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const
export const PERMISSIONS = { UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const

export type ResourceType = keyof typeof RESOURCE_TYPES
export type PatternType = keyof typeof PATTERN_TYPES
export type Operation = keyof typeof OPERATIONS
export type Permission = keyof typeof PERMISSIONS

/** The name of a wire value; UNKNOWN for one that is not in the table. */
export const nameOf = <T extends Record<string, number>>(table: T, value: number): keyof T & string =>
  (Object.keys(table).find((name) => table[name] === value) ?? 'UNKNOWN') as keyof T & string

/** READ_COMMITTED -> ReadCommitted: how znodes and tools spell these names. */
export const pascalCase = (name: string): string =>
  name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_all, letter: string) => letter.toUpperCase())
export const fromPascalCase = <T extends Record<string, number>>(table: T, text: string): (keyof T & string) | undefined =>
  Object.keys(table).find((name) => pascalCase(name).toLowerCase() === text.toLowerCase())

export const WILDCARD = '*'
export const CLUSTER_NAME = 'kafka-cluster'

export type ResourcePattern = { resourceType: ResourceType; resourceName: string; patternType: PatternType }
/** `principal` reads TYPE:NAME, User:* is every user; `host` is an address or *. */
export type AccessControlEntry = { principal: string; host: string; operation: Operation; permission: Permission }
export type AclBinding = ResourcePattern & AccessControlEntry

/** null stands for "any". */
export type AclFilter = {
  resourceType: ResourceType
  resourceName: string | null
  patternType: PatternType
  principal: string | null
  host: string | null
  operation: Operation
  permission: Permission
}

export const patternKey = ({ resourceType, resourceName, patternType }: ResourcePattern): string =>
  `${resourceType}:${patternType}:${resourceName}`
export const bindingKey = (binding: AclBinding): string =>
  [patternKey(binding), binding.principal, binding.host, binding.operation, binding.permission].join('\n')

const matchesName = (filter: AclFilter, binding: AclBinding): boolean => {
  const { resourceName } = filter
  if (resourceName === null || resourceName === binding.resourceName) return true
  if (filter.patternType !== 'MATCH') return false
  if (binding.patternType === 'LITERAL') return binding.resourceName === WILDCARD
  return binding.patternType === 'PREFIXED' && resourceName.startsWith(binding.resourceName)
}

const matchesPattern = (filter: AclFilter, binding: AclBinding): boolean => {
  if (filter.resourceType !== 'ANY' && filter.resourceType !== binding.resourceType) return false
  const isAnyType = filter.patternType === 'ANY' || filter.patternType === 'MATCH'
  if (!isAnyType && filter.patternType !== binding.patternType) return false
  if (filter.patternType === 'MATCH' && binding.patternType === 'PREFIXED' && filter.resourceName !== null) {
    return filter.resourceName.startsWith(binding.resourceName)
  }
  return matchesName(filter, binding)
}

/** Whether a filter of DescribeAcls or DeleteAcls means this binding. Source: ResourcePatternFilter and AccessControlEntryFilter. */
export const matchesFilter = (filter: AclFilter, binding: AclBinding): boolean =>
  matchesPattern(filter, binding) &&
  (filter.principal === null || filter.principal === binding.principal) &&
  (filter.host === null || filter.host === binding.host) &&
  (filter.operation === 'ANY' || filter.operation === binding.operation) &&
  (filter.permission === 'ANY' || filter.permission === binding.permission)

const RESOURCE_OPERATIONS: Partial<Record<ResourceType, readonly Operation[]>> = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DELETE', 'DESCRIBE'],
  CLUSTER: ['CREATE', 'CLUSTER_ACTION', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE'],
  TRANSACTIONAL_ID: ['DESCRIBE', 'WRITE'],
  DELEGATION_TOKEN: ['DESCRIBE'],
}

/** What can be done to a resource, for `authorizedOperations` in answers. Source: AclEntry.supportedOperations. */
export const operationsOf = (type: ResourceType): readonly Operation[] => RESOURCE_OPERATIONS[type] ?? []
