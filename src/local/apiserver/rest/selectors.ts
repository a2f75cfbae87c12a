import { asString, at, type KubeObject } from '../json.ts'
import type { Resource } from '../resources.ts'
import { badRequest } from '../status.ts'

export type Matcher = (object: KubeObject) => boolean
const ALL: Matcher = () => true

const FIELDS: Record<string, string[]> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  Namespace: ['status.phase'],
  Node: ['spec.unschedulable'],
  Secret: ['type'],
  ReplicaSet: ['status.replicas'],
  Job: ['status.successful'],
}

type Term = { key: string; operator: '=' | '!='; value: string }

const parseFields = (text: string): Term[] =>
  text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const [, key = '', operator, value = ''] = /^([^=!]+)(==|=|!=)(.*)$/s.exec(term) ?? []
      if (!operator) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`)
      return { key, operator: operator === '!=' ? '!=' : '=', value }
    })

/** `metadata.name` and `metadata.namespace` of all kinds, and the fields by which the real API server selects. */
export const fieldMatcher = (resource: Resource, text: string | null): Matcher => {
  if (!text) return ALL
  const terms = parseFields(text)
  const known = [
    'metadata.name',
    'metadata.namespace',
    ...(resource.custom ? resource.custom.selectableFields : (FIELDS[resource.kind] ?? [])),
  ]
  for (const { key } of terms) {
    if (known.includes(key)) continue
    if (resource.custom) throw badRequest(`field label not supported: ${key}`)
    if (!FIELDS[resource.kind]) throw badRequest(`"${key}" is not a known field selector: only "metadata.name", "metadata.namespace"`)
    const what = `Unable to find "${resource.groupVersion}, Resource=${resource.plural}" that match label selector "", field selector "${text}"`
    throw badRequest(`${what}: field label not supported: ${key}`)
  }
  return (object) =>
    terms.every(({ key, operator, value }) => {
      const found = at(object, ...key.split('.'))
      const words = key === 'source' ? asString(at(object, 'source', 'component')) : found === undefined ? '' : String(found as string)
      return (words === value) === (operator === '=')
    })
}

const LABEL_TERM = /^\s*(!)?\s*([A-Za-z0-9_./-]+)\s*(?:(==|=|!=|>|<)\s*([^\s]*)|(in|notin)\s*\(([^)]*)\))?\s*$/

const labelTerm = (term: string, whole: string): Matcher => {
  const match = LABEL_TERM.exec(term)
  if (!match) throw badRequest(`unable to parse requirement: found '${term.trim()}' in the label selector '${whole}'`)
  const [, not, key = '', operator, value = '', set, list = ''] = match
  const label = (object: KubeObject): string | undefined => object.metadata.labels?.[key]
  if (not) return (object) => label(object) === undefined
  const values = list.split(',').map((one) => one.trim())
  if (set === 'in') return (object) => label(object) !== undefined && values.includes(label(object)!)
  if (set === 'notin') return (object) => label(object) === undefined || !values.includes(label(object)!)
  if (operator === undefined) return (object) => label(object) !== undefined
  if (operator === '!=') return (object) => label(object) !== value
  if (operator === '>') return (object) => Number(label(object)) > Number(value)
  if (operator === '<') return (object) => Number(label(object)) < Number(value)
  return (object) => label(object) === value
}

export const labelMatcher = (text: string | null): Matcher => {
  if (!text?.trim()) return ALL
  const terms = text.match(/(?:[^,(]|\([^)]*\))+/g) ?? []
  const matchers = terms.map((term) => labelTerm(term, text))
  return (object) => matchers.every((matches) => matches(object))
}
