import type { Step } from '../kube-exchanges.ts'
import { configMap } from './config-maps.ts'
import { NS, PATCH } from './paths.ts'

/** Server-side apply: who owns which field. */
export const applySteps: readonly Step[] = [
  {
    name: 'apply creates',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=one`,
    type: PATCH.apply,
    body: configMap('applied', { a: '1', b: '2' }),
  },
  {
    name: 'apply conflict',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=two`,
    type: PATCH.apply,
    body: configMap('applied', { a: '9' }),
  },
  {
    name: 'apply two conflicts',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=two`,
    type: PATCH.apply,
    body: configMap('applied', { a: '9', b: '8' }),
  },
  {
    name: 'apply shared value',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=two`,
    type: PATCH.apply,
    body: configMap('applied', { a: '1', c: '3' }),
  },
  {
    name: 'apply forced',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=two&force=true`,
    type: PATCH.apply,
    body: configMap('applied', { a: '9' }),
  },
  {
    name: 'apply drops a field',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=one`,
    type: PATCH.apply,
    body: configMap('applied', {}),
  },
  {
    name: 'apply again',
    method: 'PATCH',
    path: `${NS}/configmaps/applied?fieldManager=one`,
    type: PATCH.apply,
    body: configMap('applied', {}),
  },
  { name: 'apply without a manager', method: 'PATCH', path: `${NS}/configmaps/applied`, type: PATCH.apply, body: configMap('applied', {}) },
  {
    name: 'apply yaml',
    method: 'PATCH',
    path: `${NS}/configmaps/yaml?fieldManager=one`,
    type: PATCH.apply,
    body: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: b\n',
  },
]
