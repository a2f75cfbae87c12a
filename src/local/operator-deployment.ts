import { fieldVariable } from '../kube/resources.ts'
import type { KubeObject } from '../kube/types.ts'
import type { Deployment } from './objects.ts'

const NAMESPACE = 'sofakafka-system'
const NAME = 'sofakafka-operator'

/** What a chart installs in a cluster, for the local mode: the operator as a Deployment of one pod. */
export const operatorObjects = (image: string): KubeObject[] => {
  const labels = { 'app.kubernetes.io/name': NAME }
  const metadata = { name: NAME, namespace: NAMESPACE, labels }
  const deployment: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 1,
      // Two operators at a time would need a lease, and a lease would delay a restart.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: NAME,
          terminationGracePeriodSeconds: 10,
          containers: [
            {
              name: 'operator',
              image,
              args: ['operator', '--advertise=pod-ip', '--no-leader-election'],
              env: [
                { name: 'SOFAKAFKA_IMAGE', value: image },
                fieldVariable('POD_NAMESPACE', 'metadata.namespace'),
                fieldVariable('POD_NAME', 'metadata.name'),
                fieldVariable('POD_IP', 'status.podIP'),
              ],
              ports: [{ name: 'http', containerPort: 8080 }],
              readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
              livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, initialDelaySeconds: 10 },
            },
          ],
        },
      },
    },
  }
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    deployment,
  ]
}
