import type { Step } from '../kube-exchanges.ts'
import { NS, PATCH } from './paths.ts'

export const serviceSteps: readonly Step[] = [
  {
    name: 'secret',
    method: 'POST',
    path: `${NS}/secrets`,
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { p: 'q' } },
  },
  { name: 'secret type is fixed', method: 'PATCH', path: `${NS}/secrets/s`, type: PATCH.merge, body: { type: 'x/y' } },
  {
    name: 'service',
    method: 'POST',
    path: `${NS}/services`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's1' }, spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } },
  },
  {
    name: 'service headless',
    method: 'POST',
    path: `${NS}/services`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's2' }, spec: { clusterIP: 'None', ports: [{ port: 80, name: 'x' }] } },
  },
  {
    name: 'service without ports',
    method: 'POST',
    path: `${NS}/services`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's3' }, spec: {} },
  },
  {
    name: 'service update keeps the address',
    method: 'PUT',
    path: `${NS}/services/s1`,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's1' }, spec: { selector: { a: 'c' }, ports: [{ port: 81 }] } },
  },
  {
    name: 'service apply of ports',
    method: 'PATCH',
    path: `${NS}/services/s4?fieldManager=one`,
    type: PATCH.apply,
    body: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's4' },
      spec: {
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'b' },
        ],
      },
    },
  },
  {
    name: 'service apply of fewer ports',
    method: 'PATCH',
    path: `${NS}/services/s4?fieldManager=one`,
    type: PATCH.apply,
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's4' }, spec: { ports: [{ port: 81, name: 'b' }] } },
  },
]
