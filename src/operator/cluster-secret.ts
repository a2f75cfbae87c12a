import type { Cluster } from '../api/index.ts'
import { ownerReference, type Secret } from '../kube/resources.ts'
import type { SecretData } from '../kube/secret-data.ts'
import { labelsOf, namespaceOf } from './names.ts'

type Wanted = { name: string; component: 'kafka' | 'zookeeper'; data: SecretData; annotations?: Record<string, string> }

/** A Secret that the operator makes for a Cluster: goes with it only when deletionPolicy is Delete, else a Cluster of the same name finds it again. */
export const clusterSecret = (cluster: Cluster, { name, component, data, annotations }: Wanted): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name,
    namespace: namespaceOf(cluster),
    labels: labelsOf(cluster, component),
    ...(annotations ? { annotations } : {}),
    ...(cluster.spec.deletionPolicy === 'Delete' ? { ownerReferences: [ownerReference(cluster)] } : {}),
  },
  type: 'Opaque',
  data,
})
