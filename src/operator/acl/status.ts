import type { Acl, AclStatus } from '../../api/index.ts'
import { aclPrincipal } from '../claims.ts'
import { conditionsOfVerdict, type Verdict } from '../reasons.ts'

export const aclStatus = (acl: Acl, verdict: Verdict, bindings: number | undefined, nowMs: number): AclStatus => {
  const generation = acl.metadata.generation ?? 0
  return {
    observedGeneration: generation,
    principal: aclPrincipal(acl),
    bindings: bindings ?? acl.status?.bindings,
    conditions: conditionsOfVerdict(verdict, generation, acl.status?.conditions, nowMs),
  }
}
