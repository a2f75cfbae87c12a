import type { Cluster } from '../../../api/index.ts'
import { RESTARTED_AT } from '../../names.ts'

/** What the Cluster's annotation says while somebody asks for a restart. */
export const restartWishOf = ({ metadata }: Cluster): string | undefined => metadata.annotations?.[RESTARTED_AT] || undefined

/** What a pod has that is made while the Cluster asks for a restart: it tells that it has been restarted. */
export const restartedAt = (cluster: Cluster): Record<string, string> => {
  const wish = restartWishOf(cluster)
  return wish === undefined ? {} : { [RESTARTED_AT]: wish }
}
