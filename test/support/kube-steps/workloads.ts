import type { Step } from '../kube-exchanges.ts'
import { APPS, NS, PATCH } from './paths.ts'

const template = (image: string): unknown => ({
  metadata: { labels: { a: 'b' } },
  spec: { containers: [{ name: 'c', image, ports: [{ containerPort: 80 }] }] },
})
const statefulSet = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'ss' },
  spec: {
    serviceName: 's2',
    replicas: 0,
    selector: { matchLabels: { a: 'b' } },
    template: template('i:1'),
    volumeClaimTemplates: [
      { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    ],
  },
}

/** A real cluster's controllers write it, too. */
const STATUS = ['status']
export const workloadSteps: readonly Step[] = [
  { name: 'statefulset', method: 'POST', path: `${APPS}/statefulsets`, body: statefulSet },
  {
    name: 'statefulset field is fixed',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss`,
    type: PATCH.merge,
    body: { spec: { serviceName: 'other' } },
  },
  {
    name: 'statefulset strategic',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss`,
    type: PATCH.strategic,
    body: {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'c', image: 'i:2' },
              { name: 'd', image: 'j:1' },
            ],
          },
        },
      },
    },
    ignore: [...STATUS, 'metadata.managedFields'],
  },
  {
    name: 'statefulset strategic delete',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss`,
    type: PATCH.strategic,
    body: { spec: { template: { spec: { containers: [{ $patch: 'delete', name: 'd' }] } } } },
    ignore: [...STATUS, 'metadata.managedFields'],
  },
  {
    name: 'statefulset type error',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss`,
    type: PATCH.merge,
    body: { spec: { replicas: 'x' } },
    ignore: ['message', 'details.causes[].message'],
  },
  {
    name: 'statefulset without selector',
    method: 'POST',
    path: `${APPS}/statefulsets`,
    body: { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'bad' }, spec: { serviceName: 's', template: template('i') } },
  },
  { name: 'statefulset scale', method: 'GET', path: `${APPS}/statefulsets/ss/scale` },
  {
    name: 'statefulset scale patch',
    method: 'PATCH',
    path: `${APPS}/statefulsets/ss/scale`,
    type: PATCH.merge,
    body: { spec: { replicas: 0 } },
  },
  {
    name: 'deployment',
    method: 'POST',
    path: `${APPS}/deployments`,
    body: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template: template('i:1') },
    },
  },
  {
    name: 'claim',
    method: 'POST',
    path: `${NS}/persistentvolumeclaims`,
    body: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'p' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } },
    },
    ignore: ['metadata.finalizers'],
  },
  {
    name: 'budget',
    method: 'POST',
    path: '/apis/policy/v1/namespaces/contract/poddisruptionbudgets',
    body: {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b' },
      spec: { maxUnavailable: 1, selector: { matchLabels: { z: 'z' } } },
    },
  },
  {
    name: 'lease',
    method: 'POST',
    path: '/apis/coordination.k8s.io/v1/namespaces/contract/leases',
    body: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'l' },
      spec: { holderIdentity: 'me', leaseDurationSeconds: 15 },
    },
  },
  {
    name: 'pod',
    method: 'POST',
    path: `${NS}/pods`,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', labels: { a: 'b' } },
      spec: {
        nodeSelector: { none: 'x' },
        containers: [
          {
            name: 'c',
            image: 'x/y',
            env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
            readinessProbe: { httpGet: { path: '/', port: 80 } },
          },
        ],
      },
    },
  },
  {
    name: 'pod without containers',
    method: 'POST',
    path: `${NS}/pods`,
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'q' }, spec: { containers: [] } },
  },
  {
    name: 'pod spec is fixed',
    method: 'PATCH',
    path: `${NS}/pods/p`,
    type: PATCH.merge,
    body: { spec: { restartPolicy: 'Never' } },
    ignore: ['message', 'details.causes[].message'],
  },
  { name: 'pod delete while not scheduled', method: 'DELETE', path: `${NS}/pods/p`, ignore: [...STATUS, 'metadata.managedFields'] },
]
