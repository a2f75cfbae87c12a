import type { Acl } from '../../api/index.ts'
import type { AclBinding, AclFilter } from '../../security/acl.ts'
import { aclPrincipal } from '../claims.ts'
import type { Contact, OwnerRecord } from '../kafka/contact.ts'

export type AclSeen = { acl: Acl; principal: string; present: AclBinding[]; record: OwnerRecord | undefined; others: OwnerRecord[] }

const allOf = (principal: string): AclFilter => ({
  resourceType: 'ANY',
  resourceName: null,
  patternType: 'ANY',
  principal,
  host: null,
  operation: 'ANY',
  permission: 'ANY',
})

/** Every read that a reconcile of an Acl makes in Kafka. */
export const observeAcl = async (acl: Acl, contact: Contact): Promise<AclSeen> => {
  const principal = aclPrincipal(acl)
  const { acls, records } = contact
  const [present, record, others] = await Promise.all([
    acls.describe(allOf(principal)),
    records.get('acls', principal),
    records.others('acls', principal),
  ])
  return { acl, principal, present, record, others }
}
