import {
  type AclBinding,
  type AclFilter,
  bindingKey,
  matchesFilter,
  type Operation,
  operationsOf,
  OPERATIONS,
  patternKey,
  type Permission,
  type ResourceType,
  WILDCARD,
} from './acl.ts'
import { formatPrincipal, type Principal } from './principal.ts'

export type AuthorizerOptions = { superUsers: ReadonlySet<string>; allowEveryoneIfNoAcl: boolean }
/** Every use of a resource that is asked for. `host` is the client's address. */
export type Action = { principal: Principal; host: string; operation: Operation; resourceType: ResourceType; resourceName: string }

/** Who may read, write, delete or alter may also describe; who may alter configurations may also see them. */
const IMPLIED_BY: Partial<Record<Operation, readonly Operation[]>> = {
  DESCRIBE: ['DESCRIBE', 'READ', 'WRITE', 'DELETE', 'ALTER'],
  DESCRIBE_CONFIGS: ['DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
}

const WILDCARD_PRINCIPAL = 'User:*'

const applies = (binding: AclBinding, principal: string, host: string, operations: readonly Operation[], permission: Permission): boolean =>
  binding.permission === permission &&
  (binding.principal === principal || binding.principal === WILDCARD_PRINCIPAL) &&
  (binding.operation === 'ALL' || operations.includes(binding.operation)) &&
  (binding.host === host || binding.host === WILDCARD)

/** "admin;other" as in super.users; blanks around a principal do not count. */
export const parseSuperUsers = (text: string): Set<string> =>
  new Set(
    text
      .split(';')
      .map((principal) => principal.trim())
      .filter(Boolean),
  )

/**
 * The rules of Kafka's AclAuthorizer over the bindings that this broker believes in. It decides, and holds what it is given; ZooKeeper is its owner's matter.
 * A deny wins over every allow; literal, wildcard and prefixed patterns count alike; without any binding on a resource, nobody but super users may.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions
  readonly #byPattern = new Map<string, AclBinding[]>()
  /** Prefixes by resource type, since a look-up by name cannot find them. */
  readonly #prefixes = new Map<ResourceType, Set<string>>()

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** Takes over all bindings of one pattern, as read from its znode; none removes it. */
  replacePattern(pattern: Pick<AclBinding, 'resourceType' | 'resourceName' | 'patternType'>, bindings: readonly AclBinding[]): void {
    const key = patternKey(pattern)
    if (bindings.length > 0) this.#byPattern.set(key, [...bindings])
    else this.#byPattern.delete(key)
    if (pattern.patternType !== 'PREFIXED') return
    const prefixes = this.#prefixes.get(pattern.resourceType) ?? new Set()
    if (bindings.length > 0) prefixes.add(pattern.resourceName)
    else prefixes.delete(pattern.resourceName)
    this.#prefixes.set(pattern.resourceType, prefixes)
  }

  isSuperUser(principal: Principal): boolean {
    return this.#options.superUsers.has(formatPrincipal(principal))
  }

  isAllowed(action: Action): boolean {
    if (this.isSuperUser(action.principal)) return true
    const bindings = this.#matching(action.resourceType, action.resourceName)
    if (bindings.length === 0) return this.#options.allowEveryoneIfNoAcl
    const principal = formatPrincipal(action.principal)
    if (bindings.some((binding) => applies(binding, principal, action.host, [action.operation], 'DENY'))) return false
    const operations = IMPLIED_BY[action.operation] ?? [action.operation]
    return bindings.some((binding) => applies(binding, principal, action.host, operations, 'ALLOW'))
  }

  /** The bit field `authorizedOperations`: bit N is the operation of wire value N. */
  authorizedOperations(action: Omit<Action, 'operation'>): number {
    return operationsOf(action.resourceType)
      .filter((operation) => this.isAllowed({ ...action, operation }))
      .reduce((bits, operation) => bits | (1 << OPERATIONS[operation]), 0)
  }

  /** The bindings that a filter means, each once. */
  find(filter: AclFilter): AclBinding[] {
    return [...this.#byPattern.values()].flat().filter((binding) => matchesFilter(filter, binding))
  }

  has(binding: AclBinding): boolean {
    const key = bindingKey(binding)
    return (this.#byPattern.get(patternKey(binding)) ?? []).some((other) => bindingKey(other) === key)
  }

  #matching(resourceType: ResourceType, resourceName: string): AclBinding[] {
    const literal = (name: string) => this.#byPattern.get(patternKey({ resourceType, resourceName: name, patternType: 'LITERAL' })) ?? []
    const prefixed = [...(this.#prefixes.get(resourceType) ?? [])]
      .filter((prefix) => resourceName.startsWith(prefix))
      .flatMap((prefix) => this.#byPattern.get(patternKey({ resourceType, resourceName: prefix, patternType: 'PREFIXED' })) ?? [])
    return [...literal(resourceName), ...(resourceName === WILDCARD ? [] : literal(WILDCARD)), ...prefixed]
  }
}
