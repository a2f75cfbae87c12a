import type { Step } from '../kube-exchanges.ts'
import { PATCH, TABLE, WIDGETS } from './paths.ts'
import { widget } from './widget-kind.ts'

/** A custom kind: its schema, its rules, its status and its scale. */
export const widgetSteps: readonly Step[] = [
  {
    name: 'widget',
    method: 'POST',
    path: WIDGETS,
    body: widget('w', { owner: 'me', config: { a: 1, b: 'x' }, free: { x: [1] }, parts: [{ name: 'a', count: 1 }], tags: ['t'] }),
  },
  { name: 'widget pruned', method: 'POST', path: WIDGETS, body: widget('pruned', { owner: 'me', unknown: 1 }) },
  { name: 'widget strict', method: 'POST', path: `${WIDGETS}?fieldValidation=Strict`, body: widget('strict', { owner: 'me', unknown: 1 }) },
  { name: 'widget without owner', method: 'POST', path: WIDGETS, body: widget('x', {}) },
  {
    name: 'widget without spec',
    method: 'POST',
    path: WIDGETS,
    body: { apiVersion: 'example.sofakafka.io/v1', kind: 'Widget', metadata: { name: 'x' } },
  },
  { name: 'widget of wrong type', method: 'POST', path: WIDGETS, body: widget('x', { owner: 5 }) },
  { name: 'widget too long', method: 'POST', path: WIDGETS, body: widget('x', { owner: 'me me me me me' }) },
  { name: 'widget too big', method: 'POST', path: WIDGETS, body: widget('x', { owner: 'me', size: 10 }) },
  { name: 'widget of bad pattern', method: 'POST', path: WIDGETS, body: widget('x', { owner: 'me', note: 'A' }) },
  { name: 'widget of bad enum', method: 'POST', path: WIDGETS, body: widget('x', { owner: 'me', mode: 'Keep' }) },
  {
    name: 'widget with equal keys',
    method: 'POST',
    path: WIDGETS,
    body: widget('x', { owner: 'me', parts: [{ name: 'a' }, { name: 'a' }] }),
  },
  { name: 'widget with equal tags', method: 'POST', path: WIDGETS, body: widget('x', { owner: 'me', tags: ['a', 'a'] }) },
  { name: 'widget against a rule', method: 'POST', path: WIDGETS, body: widget('x', { owner: 'me', note: 'bad one' }) },
  { name: 'widget against a map rule', method: 'POST', path: WIDGETS, body: widget('x', { owner: 'me', config: { 'broker.id': 1 } }) },
  { name: 'widget transition', method: 'PATCH', path: `${WIDGETS}/w`, type: PATCH.merge, body: { spec: { owner: 'you' } } },
  { name: 'widget list shrinks', method: 'PATCH', path: `${WIDGETS}/w`, type: PATCH.merge, body: { spec: { parts: [] } } },
  { name: 'widget strategic', method: 'PATCH', path: `${WIDGETS}/w`, type: PATCH.strategic, body: { spec: {} } },
  { name: 'widget update without version', method: 'PUT', path: `${WIDGETS}/w`, body: widget('w', { owner: 'me' }) },
  { name: 'widget status through the object', method: 'PATCH', path: `${WIDGETS}/w`, type: PATCH.merge, body: { status: { size: 2 } } },
  {
    name: 'widget status',
    method: 'PATCH',
    path: `${WIDGETS}/w/status?fieldManager=op`,
    type: PATCH.merge,
    body: { spec: { size: 9 }, status: { size: 2, conditions: [{ type: 'Ready', status: 'True' }] } },
  },
  {
    name: 'widget status apply',
    method: 'PATCH',
    path: `${WIDGETS}/w/status?fieldManager=st`,
    type: PATCH.apply,
    body: {
      apiVersion: 'example.sofakafka.io/v1',
      kind: 'Widget',
      metadata: { name: 'w' },
      status: { selector: 'a=b', conditions: [{ type: 'Reconciling', status: 'True' }] },
    },
  },
  {
    name: 'widget apply parts',
    method: 'PATCH',
    path: `${WIDGETS}/w?fieldManager=pa`,
    type: PATCH.apply,
    body: widget('w', { owner: 'me', parts: [{ name: 'b', count: 2 }], tags: ['u'] }),
  },
  { name: 'widget table', method: 'GET', path: WIDGETS, accept: TABLE },
  { name: 'widget scale', method: 'GET', path: `${WIDGETS}/w/scale` },
  {
    name: 'widget scale put',
    method: 'PUT',
    path: `${WIDGETS}/w/scale`,
    body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'w' }, spec: { replicas: 5 } },
  },
  { name: 'widget get', method: 'GET', path: `${WIDGETS}/w` },
]
