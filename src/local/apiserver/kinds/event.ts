import type { JsonObject, KubeObject } from '../json.ts'

// The two groups of Event name the same fields differently; v1 is what is stored. Source: Kubernetes API reference, Event v1 core and v1 events.k8s.io.
const NAMES: readonly (readonly [core: string, events: string])[] = [
  ['message', 'note'],
  ['involvedObject', 'regarding'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
]
const EVENTS = 'events.k8s.io/v1'

const renamed = (object: KubeObject, apiVersion: string, from: 0 | 1): KubeObject => {
  if (object.apiVersion === apiVersion) return object
  const names = new Map(NAMES.map((pair) => [pair[from], pair[from === 0 ? 1 : 0]]))
  const out: JsonObject = {}
  for (const [key, value] of Object.entries(object)) out[names.get(key) ?? key] = value
  return { ...out, apiVersion } as KubeObject
}

export const coreEvent = (object: KubeObject): KubeObject => renamed(object, 'v1', 1)
export const groupEvent = (object: KubeObject): KubeObject => renamed(object, EVENTS, 0)
