/** Source: kafka.controller.ReplicaState. */
export type ReplicaState =
  | 'NON_EXISTENT'
  /** Made by a new topic or a reassignment, its broker has not been told of a leader. */
  | 'NEW'
  | 'ONLINE'
  /** Its broker or its log directory is gone, or it was told to stop. */
  | 'OFFLINE'
  | 'DELETION_STARTED'
  | 'DELETION_SUCCESSFUL'
  /** It could not be deleted: its broker is away or refused. */
  | 'DELETION_INELIGIBLE'

/** From a state to those that may follow it. */
export const REPLICA_TRANSITIONS: Readonly<Record<ReplicaState, readonly ReplicaState[]>> = {
  NON_EXISTENT: ['NEW'],
  NEW: ['ONLINE', 'OFFLINE'],
  ONLINE: ['ONLINE', 'OFFLINE'],
  OFFLINE: ['ONLINE', 'OFFLINE', 'DELETION_STARTED', 'DELETION_INELIGIBLE'],
  DELETION_STARTED: ['DELETION_SUCCESSFUL', 'DELETION_INELIGIBLE'],
  DELETION_SUCCESSFUL: ['NON_EXISTENT'],
  DELETION_INELIGIBLE: ['ONLINE', 'OFFLINE'],
}

export const mayReplicaBecome = (from: ReplicaState, to: ReplicaState): boolean => REPLICA_TRANSITIONS[from].includes(to)
