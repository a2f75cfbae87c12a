import type { Step } from '../kube-exchanges.ts'
import { DEFINITIONS, NS } from './paths.ts'
import { CRD } from './widget-kind.ts'

export const otherSteps: readonly Step[] = [
  { name: 'watch too old', method: 'GET', path: `${NS}/configmaps?watch=true&resourceVersion=abc` },
  {
    name: 'eviction of absent pod',
    method: 'POST',
    path: `${NS}/pods/zz/eviction`,
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'zz' } },
  },
  {
    name: 'access review',
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
    },
    ignore: ['status.reason', 'metadata.managedFields'],
  },
  {
    name: 'crd that is not structural',
    method: 'POST',
    path: DEFINITIONS,
    body: {
      ...CRD,
      metadata: { name: 'others.example.sofakafka.io' },
      spec: {
        ...CRD.spec,
        names: { plural: 'others', kind: 'Other' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: { properties: { a: { type: 'string' } } } } } },
          },
        ],
      },
    },
    ignore: ['message', 'details.causes'],
  },
  {
    name: 'crd under another name',
    method: 'POST',
    path: DEFINITIONS,
    body: { ...CRD, metadata: { name: 'x.example.sofakafka.io' } },
  },
]
