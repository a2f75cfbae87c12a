import { request } from 'node:https'
import { applySteps } from './kube-steps/apply.ts'
import { configMapSteps } from './kube-steps/config-maps.ts'
import { deletionSteps } from './kube-steps/deletion.ts'
import { otherSteps } from './kube-steps/others.ts'
import { DEFINITIONS, NS, WIDGETS } from './kube-steps/paths.ts'
import { serviceSteps } from './kube-steps/services.ts'
import { CRD } from './kube-steps/widget-kind.ts'
import { widgetSteps } from './kube-steps/widgets.ts'
import { workloadSteps } from './kube-steps/workloads.ts'
import { eventually } from './net.ts'

/** One request of the contract between the local API server and a real one. `{rv NAME}` in a body is the resourceVersion that the step NAME answered, `{uid NAME}` its uid. */
export type Step = { name: string; method: string; path: string; body?: unknown; type?: string; accept?: string; ignore?: string[] }
export type Answer = { name: string; code: number; warning?: string; body: unknown }
export type Target = { url: string; ca: string; token: string }

const JSON_TYPE = 'application/json'

type RawAnswer = { code: number; headers: Record<string, unknown>; text: string }
export const ask = (target: Target, step: Omit<Step, 'name'>, timeoutMs = 10_000): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const body = step.body === undefined ? undefined : typeof step.body === 'string' ? step.body : JSON.stringify(step.body)
    const call = request(target.url + step.path, {
      method: step.method,
      ca: target.ca,
      timeout: timeoutMs,
      headers: {
        authorization: `Bearer ${target.token}`,
        accept: step.accept ?? JSON_TYPE,
        'user-agent': 'contract/1',
        ...(body === undefined ? {} : { 'content-type': step.type ?? JSON_TYPE, 'content-length': Buffer.byteLength(body) }),
      },
    })
    call.on('error', reject)
    call.on('timeout', () => call.destroy(new Error(`no answer to ${step.method} ${step.path}`)))
    call.on('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve({ code: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() }))
      answer.on('error', reject)
    })
    call.end(body)
  })

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

const text = (value: string): string =>
  value
    .replace(UUID, '<uid>')
    .replace(TIME, '<time>')
    .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<random>')
    .replace(/\b(gen-)[a-z0-9]{5}\b/g, '$1<random>')
    .replace(/\b10\.96\.\d+\.\d+\b/g, '<ip>')

/** What differs from run to run becomes a word; '.' marks in managedFields depend on Go's structs and are left out. */
export const normalise = (value: unknown, ignore: readonly string[] = [], path = ''): unknown => {
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) {
    const items = value.map((item) => normalise(item, ignore, `${path}[]`))
    return path.endsWith('managedFields') ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value).sort()) {
    const at = path ? `${path}.${key}` : key
    if (ignore.includes(at) || isIncidental(key, path)) continue
    out[text(key)] = key === 'resourceVersion' ? '<rv>' : normalise((value as Record<string, unknown>)[key], ignore, at)
  }
  return out
}

const isIncidental = (key: string, path: string): boolean =>
  key === 'description' || (key === '.' && path.includes('fieldsV1')) || (key === 'time' && path.endsWith('managedFields[]'))

const parse = (raw: string): unknown => {
  try {
    return JSON.parse(raw)
  } catch {
    return raw
  }
}

/** Plays all steps in order and gives the normalised answers. */
export const play = async (target: Target, steps: readonly Step[]): Promise<Answer[]> => {
  const seen = new Map<string, { resourceVersion?: string; uid?: string }>()
  const fill = (words: string): string =>
    words.replace(
      /\{(rv|uid) ([^}]+)\}/g,
      (_all, kind: string, name: string) => (kind === 'rv' ? seen.get(name)?.resourceVersion : seen.get(name)?.uid) ?? `no ${name}`,
    )
  const answers: Answer[] = []
  for (const step of steps) {
    const body = step.body === undefined ? undefined : fill(typeof step.body === 'string' ? step.body : JSON.stringify(step.body))
    const raw = await ask(target, { ...step, path: fill(step.path), body })
    const parsed = parse(raw.text) as { metadata?: { resourceVersion?: string; uid?: string } }
    if (parsed?.metadata) seen.set(step.name, parsed.metadata)
    const warning = raw.headers['warning']
    answers.push({
      name: step.name,
      code: raw.code,
      ...(warning ? { warning: String(warning as string) } : {}),
      body: normalise(parsed, step.ignore),
    })
  }
  return answers
}
/** Made ready before the steps: a namespace with its default service account, and an established kind. */
export const prepare = async (target: Target): Promise<void> => {
  await ask(target, { method: 'DELETE', path: `${DEFINITIONS}/${CRD.metadata.name}` })
  await ask(target, { method: 'DELETE', path: NS })
  await eventually(
    async () => (await ask(target, { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'contract' } } })).code === 201,
    {
      timeoutMs: 60_000,
    },
  )
  await eventually(async () => (await ask(target, { method: 'POST', path: DEFINITIONS, body: CRD })).code === 201, { timeoutMs: 30_000 })
  await eventually(async () => (await ask(target, { method: 'GET', path: WIDGETS })).code === 200, { timeoutMs: 30_000 })
}

/** A real cluster has controllers, which make the service account that pods need. */
export const awaitServiceAccount = (target: Target): Promise<boolean> =>
  eventually(async () => (await ask(target, { method: 'GET', path: `${NS}/serviceaccounts/default` })).code === 200)

/** In this order: later ones meet what earlier ones made. */
export const steps: readonly Step[] = [
  ...configMapSteps,
  ...applySteps,
  ...serviceSteps,
  ...workloadSteps,
  ...widgetSteps,
  ...deletionSteps,
  ...otherSteps,
]
