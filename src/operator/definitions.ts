import { clusters } from '../api/index.ts'
import { FIELDS } from '../api/fields.ts'
import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Kube } from '../kube/types.ts'

type Schema = { properties?: Record<string, Schema>; items?: Schema; [key: string]: unknown }
type Document = {
  components?: { schemas?: Record<string, Schema & { 'x-kubernetes-group-version-kind'?: { group: string; kind: string }[] }> }
}

export type MissingField = { kind: string; field: string }

const CHECK_EVERY_MS = 600_000
const RETRY_MS = 10_000
const MARK = 'x-kubernetes-group-version-kind'

/** The fields of `paths` that the schema does not have; of a whole branch only its first. */
const missingIn = (schema: Schema, paths: readonly string[]): string[] => {
  const missing = paths.filter((path) => !hasField(schema, path))
  return missing.filter(
    (path) => !missing.some((other) => path !== other && (path.startsWith(`${other}.`) || path.startsWith(`${other}[`))),
  )
}

const hasField = (schema: Schema, path: string): boolean => {
  let at: Schema | undefined = schema
  for (const part of path.split('.')) {
    if (at?.['x-kubernetes-preserve-unknown-fields'] === true) return true
    const depth = part.match(/\[\]/g)?.length ?? 0
    at = at?.properties?.[part.replaceAll('[]', '')]
    for (let n = 0; n < depth; n++) at = at?.items
    if (!at) return false
  }
  return true
}

/**
 * What this operator knows and the installed definitions do not: the API server drops such fields without a word. It is read from the server's OpenAPI
 * document, which everybody who is logged in may read; definitions themselves may need rights on the whole cluster.
 */
export class Definitions {
  missing: readonly MissingField[] = []
  readonly #options: { kube: Kube; clock: MonotonicClock; logger: Logger; onChange: () => void }
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: { kube: Kube; clock: MonotonicClock; logger: Logger; onChange: () => void }) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'))
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options
    while (!this.#stop.signal.aborted) {
      let waitMs = CHECK_EVERY_MS
      try {
        await this.#check()
      } catch (error) {
        waitMs = RETRY_MS
        logger.debug({ err: error }, 'the OpenAPI document could not be read')
      }
      await clock.sleep(waitMs, this.#stop.signal).catch(() => {})
    }
  }

  async #check(): Promise<void> {
    const { kube, logger, onChange } = this.#options
    const document = (await kube.raw('GET', `/openapi/v3/apis/${clusters.apiVersion}`)) as Document
    const [group] = clusters.apiVersion.split('/')
    const schemas = Object.values(document.components?.schemas ?? {})
    const missing = Object.entries(FIELDS).flatMap(([kind, paths]): MissingField[] => {
      const schema = schemas.find((one) => one[MARK]?.some((mark) => mark.group === group && mark.kind === kind))
      // Without the definition there is nothing to be dropped; the informers say that it is not there.
      return schema ? missingIn(schema, paths).map((field) => ({ kind, field })) : []
    })
    if (JSON.stringify(missing) === JSON.stringify(this.missing)) return
    this.missing = missing
    if (missing.length > 0)
      logger.warn({ missing }, 'the installed definitions are older than this operator: upgrade the chart sofakafka-crds')
    onChange()
  }
}

/** For a condition; undefined when nothing is missing. */
export const missingText = (missing: readonly MissingField[]): string | undefined => {
  if (missing.length === 0) return undefined
  const some = missing.slice(0, 5).map(({ kind, field }) => `${kind} ${field}`)
  const more = missing.length > some.length ? ` and ${missing.length - some.length} more` : ''
  return `the installed definitions are older than the operator and lack ${some.join(', ')}${more}: upgrade the chart sofakafka-crds`
}
