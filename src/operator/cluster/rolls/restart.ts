import { RESTART, RESTARTED_AT } from '../../names.ts'
import { restartWishOf } from '../pods/restarted-at.ts'
import type { Step } from '../steps.ts'

/**
 * Restarts that somebody asks for, of all pods by the annotation on the Cluster, of single ones by that on the pod. What stands on the pods tells which are still to be
 * restarted, so an operator that was away begins nothing anew; and where the annotation is taken away, nothing happens.
 */
export const askedRestarts: Step = {
  name: 'restarts',
  run: async ({ cluster, seen, restarts }) => {
    const wish = restartWishOf(cluster)
    for (const { metadata } of seen.pods) {
      const { [RESTART]: own, [RESTARTED_AT]: made } = metadata.annotations ?? {}
      if (own === 'true') restarts.set(metadata.name, `its annotation ${RESTART} asks for it`)
      else if (wish !== undefined && made !== wish) restarts.set(metadata.name, `the Cluster's annotation ${RESTARTED_AT} asks for it`)
    }
    return undefined
  },
}
