import { acls, type Acl } from '../../api/index.ts'
import type { Key, Result } from '../../kube/types.ts'
import { admit, againMs, isPaused, type Claims } from '../admission.ts'
import { aclPrincipal, clusterKeyOf } from '../claims.ts'
import type { Environment } from '../environment.ts'
import { Unreachable, type Contact } from '../kafka/contact.ts'
import { finalize, keepFinalizer, recordOf } from '../lifecycle.ts'
import { READY, reconciling, stalled, type Verdict } from '../reasons.ts'
import { bindingOfText, desiredAcl } from './desired.ts'
import { observeAcl } from './observe.ts'
import { aclStatus } from './status.ts'

const RETRY_MS = 2000
const REFUSED_RETRY_MS = 60_000

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
  async (key: Key): Promise<Result> => {
    const acl = environment.store.acls.get(key)
    if (!acl) return {}
    const claims = aclClaims(environment)
    if (acl.metadata.deletionTimestamp) return finalize(environment, acls, acl, claims, (contact) => removeAcl(contact, aclPrincipal(acl)))
    if (isPaused(acl)) return {}
    await keepFinalizer(environment, acls, acl)
    const { verdict, bindings } = await bring(environment, acl, claims)
    await environment.kube.patchStatus(acls, acl, aclStatus(acl, verdict, bindings, environment.wall.nowMs()))
    return { requeueAfterMs: againMs(verdict, RETRY_MS, REFUSED_RETRY_MS) }
  }

const bring = async (environment: Environment, acl: Acl, claims: Claims<Acl>): Promise<{ verdict: Verdict; bindings?: number }> => {
  const admission = admit(environment, acl, claims)
  if ('verdict' in admission) return admission
  try {
    const contact = await environment.contacts.get(clusterKeyOf(acl))
    return await carryOut(environment, acl, contact)
  } catch (error) {
    if (error instanceof Unreachable) return { verdict: reconciling('BrokersUnreachable', error.message) }
    const { error: code, retriable } = error as { error?: string; retriable?: boolean }
    if (code === undefined || retriable) throw error
    const hint = code === 'SECURITY_DISABLED' ? '; give the Cluster a spec.authorization' : ''
    return { verdict: stalled('KafkaRefused', `${code}: ${(error as Error).message}${hint}`) }
  }
}

const carryOut = async (environment: Environment, acl: Acl, contact: Contact): Promise<{ verdict: Verdict; bindings: number }> => {
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
  return { verdict: READY, bindings: plan.wanted.length }
}

/** Takes away the bindings that a resource made for this principal, and no others. */
export const removeAcl = async (contact: Contact, principal: string): Promise<void> => {
  const [record, others] = await Promise.all([contact.records.get('acls', principal), contact.records.others('acls', principal)])
  const kept = new Set(others.flatMap(({ bindings }) => bindings ?? []))
  await contact.acls.delete((record?.bindings ?? []).filter((text) => !kept.has(text)).map(bindingOfText))
  await contact.records.delete('acls', principal)
}
