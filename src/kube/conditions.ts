import { timestamp } from './time.ts'
import type { Condition } from './types.ts'

export type ConditionInput = Omit<Condition, 'lastTransitionTime'>

/**
 * The conditions of a status: `lastTransitionTime` stays what it was while the condition's status stays what it was, so an unchanged state is an unchanged object.
 * `wanted` is the whole list; a condition that is not in it is gone.
 */
export const conditionsOf = (before: readonly Condition[] | undefined, wanted: readonly ConditionInput[], nowMs: number): Condition[] =>
  wanted.map((condition) => {
    const old = before?.find((other) => other.type === condition.type)
    const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : timestamp(nowMs)
    return { ...condition, lastTransitionTime }
  })

export const conditionOf = <C extends { type: string }>(conditions: readonly C[] | undefined, type: string): C | undefined =>
  conditions?.find((condition) => condition.type === type)

/** Whether the object says of itself that the condition is True. */
export const hasCondition = (object: { status?: { conditions?: readonly { type: string; status: string }[] } }, type: string): boolean =>
  conditionOf(object.status?.conditions, type)?.status === 'True'
