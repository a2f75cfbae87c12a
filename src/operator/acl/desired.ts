import type { Acl } from '../../api/index.ts'
import { canonical } from '../../kube/difference.ts'
import { CLUSTER_NAME, fromPascalCase, OPERATIONS, PERMISSIONS, RESOURCE_TYPES, type AclBinding } from '../../security/acl.ts'
import { aclPrincipal } from '../claims.ts'
import type { AclSeen } from './observe.ts'

/** A binding as text, by which two are compared and as which the record keeps them. */
const bindingText = (binding: AclBinding): string => canonical(binding)
export const bindingOfText = (text: string): AclBinding => JSON.parse(text) as AclBinding

/** The bindings that the rules say, each once. */
export const bindingsOf = (acl: Acl): AclBinding[] => {
  const bindings = acl.spec.rules.flatMap(({ resource, operations, host, permission }) =>
    operations.map((operation): AclBinding => ({
      resourceType: fromPascalCase(RESOURCE_TYPES, resource.type) ?? 'UNKNOWN',
      resourceName: resource.type === 'Cluster' ? CLUSTER_NAME : (resource.name ?? ''),
      patternType: resource.patternType === 'Prefixed' ? 'PREFIXED' : 'LITERAL',
      principal: aclPrincipal(acl),
      host: host ?? '*',
      operation: fromPascalCase(OPERATIONS, operation) ?? 'UNKNOWN',
      permission: fromPascalCase(PERMISSIONS, permission ?? 'Allow') ?? 'UNKNOWN',
    })),
  )
  return [...new Map(bindings.map((binding) => [bindingText(binding), binding])).values()]
}

export type AclPlan = { create: AclBinding[]; delete: AclBinding[]; wanted: string[]; recordedBefore: string[] }

/** What is missing is made; what a resource once made and does not say any more goes; what others made stays. */
export const desiredAcl = ({ acl, present, record, others }: AclSeen): AclPlan => {
  const wanted = bindingsOf(acl)
  const wantedTexts = wanted.map(bindingText).sort()
  const presentTexts = new Set(present.map(bindingText))
  const once = record?.bindings ?? []
  const theirs = new Set(others.flatMap(({ bindings }) => bindings ?? []))
  const isGoing = (text: string): boolean => presentTexts.has(text) && !wantedTexts.includes(text) && !theirs.has(text)
  return {
    create: wanted.filter((binding) => !presentTexts.has(bindingText(binding))),
    delete: once.filter(isGoing).map(bindingOfText),
    wanted: wantedTexts,
    recordedBefore: [...new Set([...wantedTexts, ...once])].sort(),
  }
}
