import type { Pod, VolumeMount } from '../objects.ts'

/** Where every pod finds its account, in any cluster. */
export const SERVICE_ACCOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const VOLUME = 'kube-api-access'

type Automount = { automountServiceAccountToken?: boolean }

/** A real API server's admission adds this volume to each pod; where nobody did, the kubelet does. */
export const withServiceAccount = (pod: Pod): Pod => {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  const hasIt = all.some(({ volumeMounts = [] }) => volumeMounts.some(({ mountPath }) => mountPath.startsWith(SERVICE_ACCOUNT_PATH)))
  if (hasIt || (pod.spec as Automount).automountServiceAccountToken === false) return pod
  const mount: VolumeMount = { name: VOLUME, mountPath: SERVICE_ACCOUNT_PATH, readOnly: true }
  const mounted = <T extends { volumeMounts?: VolumeMount[] }>(container: T): T => ({
    ...container,
    volumeMounts: [...(container.volumeMounts ?? []), mount],
  })
  const sources = [
    { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
  ]
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map(mounted),
      ...(pod.spec.initContainers ? { initContainers: pod.spec.initContainers.map(mounted) } : {}),
      volumes: [...(pod.spec.volumes ?? []), { name: VOLUME, projected: { sources } }],
    },
  }
}
