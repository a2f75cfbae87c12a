import { asArray, at, type KubeObject } from '../json.ts'

/** True when a deletion waits for nothing more: no grace period, no finalizer of the object, nor of a namespace's content. */
export const isRemovable = (object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined &&
  (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  asArray(object.metadata.finalizers).length === 0 &&
  (object.kind !== 'Namespace' || asArray(at(object, 'spec', 'finalizers')).length === 0)
