import type { Cluster } from '../../api/index.ts'
import type { Service } from '../../kube/resources.ts'
import { ownedMeta } from './pods/pod.ts'

/** A Service that goes with the Cluster. */
export const service = (cluster: Cluster, name: string, role: 'kafka' | 'zookeeper', spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: ownedMeta(cluster, name, role),
  spec,
})

export const port = (name: string, number: number) => ({ name, port: number, targetPort: number, protocol: 'TCP' })
