import type { Step } from '../kube-exchanges.ts'
import { NS, PATCH, WIDGETS } from './paths.ts'

export const deletionSteps: readonly Step[] = [
  { name: 'finalizer', method: 'PATCH', path: `${WIDGETS}/w`, type: PATCH.merge, body: { metadata: { finalizers: ['sofakafka.io/x'] } } },
  {
    name: 'delete with another uid',
    method: 'DELETE',
    path: `${WIDGETS}/w`,
    body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'other' } },
  },
  { name: 'delete held by a finalizer', method: 'DELETE', path: `${WIDGETS}/w` },
  {
    name: 'finalizer is not added later',
    method: 'PATCH',
    path: `${WIDGETS}/w`,
    type: PATCH.merge,
    body: { metadata: { finalizers: ['sofakafka.io/x', 'sofakafka.io/y'] } },
  },
  { name: 'finalizer released', method: 'PATCH', path: `${WIDGETS}/w`, type: PATCH.merge, body: { metadata: { finalizers: null } } },
  { name: 'gone', method: 'GET', path: `${WIDGETS}/w` },
  { name: 'delete', method: 'DELETE', path: `${NS}/configmaps/a` },
  { name: 'delete absent', method: 'DELETE', path: `${NS}/configmaps/a` },
  {
    name: 'delete foreground',
    method: 'DELETE',
    path: `${WIDGETS}/pruned?propagationPolicy=Foreground`,
    ignore: ['metadata.managedFields'],
  },
]
