import { acls, type Acl } from '../../api/index.ts'
import type { Key, Result } from '../../kube/types.ts'
import type { Claims } from '../admission.ts'
import { aclPrincipal, clusterKeyOf, recordOf } from '../claims.ts'
import { type Brought, reconcileDependent } from '../dependent.ts'
import type { Environment } from '../environment.ts'
import type { Contact } from '../kafka/contact.ts'
import { READY, stalled } from '../reasons.ts'
import { bindingOfText, desiredAcl } from './desired.ts'
import { observeAcl } from './observe.ts'
import { aclStatus } from './status.ts'

export const aclClaims = (environment: Pick<Environment, 'store'>): Claims<Acl> => ({
  informer: environment.store.acls,
  nameOf: aclPrincipal,
  namesOf: (acl) => [
    { name: aclPrincipal(acl).slice(aclPrincipal(acl).indexOf(':') + 1), isPrincipal: true },
    ...acl.spec.rules.map(({ resource: { type, name = '', patternType } }) => ({
      name,
      isPrefix: patternType === 'Prefixed',
      isForAll: type === 'Cluster' || type === 'DelegationToken',
    })),
  ],
})

/** Brings the ACL bindings of one principal to what its resource says. */
export const reconcileAcl =
  (environment: Environment) =>
  (key: Key): Promise<Result> =>
    reconcileDependent(environment, key, {
      resource: acls,
      claims: aclClaims(environment),
      bring: (acl) => bring(environment, acl),
      remove: (acl, contact) => removeAcl(contact, aclPrincipal(acl)),
      status: (acl, verdict, bindings: number | undefined) => aclStatus(acl, verdict, bindings, environment.wall.nowMs()),
    })

const bring = async (environment: Environment, acl: Acl): Promise<Brought<number>> => {
  try {
    return await carryOut(environment, acl, await environment.contacts.get(clusterKeyOf(acl)))
  } catch (error) {
    const { error: code, retriable } = error as { error?: string; retriable?: boolean }
    if (code === undefined || retriable) throw error
    const hint = code === 'SECURITY_DISABLED' ? '; give the Cluster a spec.authorization' : ''
    return { verdict: stalled('KafkaRefused', `${code}: ${(error as Error).message}${hint}`) }
  }
}

const carryOut = async (environment: Environment, acl: Acl, contact: Contact): Promise<Brought<number>> => {
  const seen = await observeAcl(acl, contact)
  const plan = desiredAcl(seen)
  const record = recordOf(acl)
  await contact.records.put('acls', seen.principal, { ...record, bindings: plan.recordedBefore })
  await contact.acls.create(plan.create)
  await contact.acls.delete(plan.delete)
  await contact.records.put('acls', seen.principal, { ...record, bindings: plan.wanted })
  if (plan.create.length + plan.delete.length > 0) {
    const note = `${seen.principal}: ${plan.create.length} bindings made, ${plan.delete.length} taken away`
    await environment.events.record(acl, { type: 'Normal', reason: 'Changed', action: 'Reconcile', note })
  }
  return { verdict: READY, known: plan.wanted.length }
}

/** Takes away the bindings that a resource made for this principal, and no others. */
export const removeAcl = async (contact: Contact, principal: string): Promise<void> => {
  const [record, others] = await Promise.all([contact.records.get('acls', principal), contact.records.others('acls', principal)])
  const kept = new Set(others.flatMap(({ bindings }) => bindings ?? []))
  await contact.acls.delete((record?.bindings ?? []).filter((text) => !kept.has(text)).map(bindingOfText))
  await contact.records.delete('acls', principal)
}
