/** Source: kafka.controller.PartitionState. NEW: no leader was ever chosen; OFFLINE: its leader is not alive. */
export type PartitionState = 'NON_EXISTENT' | 'NEW' | 'ONLINE' | 'OFFLINE'

/** From a state to those that may follow it. */
export const PARTITION_TRANSITIONS: Readonly<Record<PartitionState, readonly PartitionState[]>> = {
  NON_EXISTENT: ['NEW'],
  NEW: ['ONLINE', 'OFFLINE'],
  ONLINE: ['ONLINE', 'OFFLINE'],
  OFFLINE: ['ONLINE', 'OFFLINE', 'NON_EXISTENT'],
}

export const mayPartitionBecome = (from: PartitionState, to: PartitionState): boolean => PARTITION_TRANSITIONS[from].includes(to)
