import type { User, UserStatus } from '../../api/index.ts'
import { userName } from '../claims.ts'
import { conditionsOfVerdict, type Verdict } from '../reasons.ts'

export const userStatus = (user: User, verdict: Verdict, nowMs: number): UserStatus => {
  const generation = user.metadata.generation ?? 0
  const isMade = verdict.state === 'ready' || user.status?.secretName !== undefined
  return {
    observedGeneration: generation,
    username: userName(user),
    secretName: isMade ? user.metadata.name : undefined,
    conditions: conditionsOfVerdict(verdict, generation, user.status?.conditions, nowMs),
  }
}
