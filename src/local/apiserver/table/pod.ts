import { asArray, asObject, asString, at, type Json, type JsonObject, type KubeObject } from '../json.ts'
import { age } from './age.ts'
import type { ColumnSpec } from './column.ts'

const NONE = '<none>'
const statuses = (object: KubeObject): JsonObject[] => asArray(at(object, 'status', 'containerStatuses')).map(asObject)

const ready = (object: KubeObject): string =>
  `${statuses(object).filter((one) => one['ready'] === true).length}/${asArray(at(object, 'spec', 'containers')).length}`

const containerReason = (status: JsonObject): string => {
  const waiting = asString(at(status, 'state', 'waiting', 'reason'))
  if (waiting) return waiting
  const ended = asObject(at(status, 'state', 'terminated'))
  if (Object.keys(ended).length === 0) return ''
  if (ended['reason']) return asString(ended['reason'])
  return ended['signal'] ? `Signal:${String(ended['signal'] as number)}` : `ExitCode:${String(ended['exitCode'] as number)}`
}

/** One word for the state of a pod, as `kubectl get pods` shows it. */
const podStatus = (object: KubeObject): string => {
  let word = asString(at(object, 'status', 'reason')) || asString(at(object, 'status', 'phase'))
  for (const status of [...statuses(object)].reverse()) word = containerReason(status) || word
  const isRunning = statuses(object).some((one) => at(one, 'state', 'running') !== undefined)
  if (word === 'Completed' && isRunning) word = isReady(object) ? 'Running' : 'NotReady'
  if (object.metadata.deletionTimestamp) return asString(at(object, 'status', 'reason')) === 'NodeLost' ? 'Unknown' : 'Terminating'
  return word
}

const isReady = (object: KubeObject): boolean =>
  asArray(at(object, 'status', 'conditions')).some((one) => asObject(one)['type'] === 'Ready' && asObject(one)['status'] === 'True')

const restarts = (object: KubeObject, nowMs: number): string => {
  const count = statuses(object).reduce((sum, one) => sum + (typeof one['restartCount'] === 'number' ? one['restartCount'] : 0), 0)
  const last = statuses(object)
    .map((one) => asString(at(one, 'lastState', 'terminated', 'finishedAt')))
    .sort()
    .at(-1)
  return count > 0 && last ? `${count} (${age(last, nowMs)} ago)` : String(count)
}

const gates = (object: KubeObject): Json => {
  const wanted = asArray(at(object, 'spec', 'readinessGates')).map((gate) => asString(asObject(gate)['conditionType']))
  if (wanted.length === 0) return NONE
  const conditions = asArray(at(object, 'status', 'conditions')).map(asObject)
  return `${wanted.filter((type) => conditions.some((one) => one['type'] === type && one['status'] === 'True')).length}/${wanted.length}`
}

export const podColumns: ColumnSpec[] = [
  { name: 'Ready', cell: ready },
  { name: 'Status', cell: podStatus },
  { name: 'Restarts', cell: restarts },
  { name: 'Age', cell: (object, nowMs) => age(object.metadata.creationTimestamp, nowMs) },
  { name: 'IP', priority: 1, cell: (object) => asString(at(object, 'status', 'podIP')) || NONE },
  { name: 'Node', priority: 1, cell: (object) => asString(at(object, 'spec', 'nodeName')) || NONE },
  { name: 'Nominated Node', priority: 1, cell: (object) => asString(at(object, 'status', 'nominatedNodeName')) || NONE },
  { name: 'Readiness Gates', priority: 1, cell: gates },
]
