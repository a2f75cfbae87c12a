import type { Cluster } from '../../../api/index.ts'
import { RESTART, RESTARTED_AT } from '../../names.ts'
import type { Step } from '../steps.ts'

const wishOf = ({ metadata }: Cluster): string | undefined => metadata.annotations?.[RESTARTED_AT] || undefined

/** What a pod has that is made while the Cluster asks for a restart: it tells that it has been restarted. */
export const restartedAt = (cluster: Cluster): Record<string, string> => {
  const wish = wishOf(cluster)
  return wish === undefined ? {} : { [RESTARTED_AT]: wish }
}

/**
 * Restarts that somebody asks for, of all pods by the annotation on the Cluster, of single ones by that on the pod. What stands on the pods tells which are still to be
 * restarted, so an operator that was away begins nothing anew; and where the annotation is taken away, nothing happens.
 */
export const askedRestarts: Step = {
  name: 'restarts',
  run: async ({ cluster, seen, restarts }) => {
    const wish = wishOf(cluster)
    for (const { metadata } of seen.pods) {
      const { [RESTART]: own, [RESTARTED_AT]: made } = metadata.annotations ?? {}
      if (own === 'true') restarts.set(metadata.name, `its annotation ${RESTART} asks for it`)
      else if (wish !== undefined && made !== wish) restarts.set(metadata.name, `the Cluster's annotation ${RESTARTED_AT} asks for it`)
    }
    return undefined
  },
}
