import type { Secret } from '../../kube/resources.ts'
import { LAST_APPLIED } from '../../kube/informer.ts'
import { base64 } from '../../kube/secret-data.ts'
import type { KubeObject } from '../../kube/types.ts'

const REMOVED = '(removed)'

/** Keys of Secrets that are known to everybody. */
const PUBLIC_KEYS = new Set(['username', 'security.protocol', 'bootstrap.servers', 'sasl.mechanism', 'ca.crt', 'tls.crt', 'user.crt'])
/** A shorter value is a word that stands everywhere. */
const MIN_LENGTH = 6
const SECRET_FIELD = /password|passwd|jaas|^token$|authorization|private.?key/i

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, REMOVED],
  [/\b(password|passwd)(\\?["']?\s*[=:]\s*\\?)(["'])(?:(?!\3).)+\3/gi, `$1$2$3${REMOVED}$3`],
  [/\b(password|passwd)(\s*=\s*)(?!["'\\])[^\s,;&]+/gi, `$1$2${REMOVED}`],
  [/\bBearer\s+[\w.~+/=-]{8,}/g, `Bearer ${REMOVED}`],
]

/** A value as it may stand in a file: as it is, in base64 (with and without padding), within JSON. */
const forms = (value: string): string[] => {
  const inSecret = base64(value)
  return [value, value.trim(), inSecret, inSecret.replace(/=+$/, ''), JSON.stringify(value).slice(1, -1)]
}

/** What is in Secrets and must not be in a bundle. */
export class Redaction {
  readonly #values: readonly string[]

  constructor(secrets: readonly Secret[]) {
    const values = secrets.flatMap(({ data }) =>
      Object.entries(data ?? {})
        .filter(([key]) => !PUBLIC_KEYS.has(key))
        .flatMap(([, encoded]) => forms(Buffer.from(encoded, 'base64').toString('utf8'))),
    )
    // Longer ones first: one may be a part of another.
    this.#values = [...new Set(values)].filter(({ length }) => length >= MIN_LENGTH).sort((a, b) => b.length - a.length)
  }

  text(text: string): string {
    const without = this.#values.reduce((left, value) => left.replaceAll(value, REMOVED), text)
    return PATTERNS.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), without)
  }

  /** Without what servers keep for themselves, and without values under names that speak of passwords. */
  object(object: KubeObject): unknown {
    const { managedFields: _servers, annotations, ...metadata } = object.metadata
    const { [LAST_APPLIED]: _copy, ...rest } = annotations ?? {}
    return cleaned({ ...object, metadata: { ...metadata, ...(Object.keys(rest).length > 0 ? { annotations: rest } : {}) } })
  }
}

const cleaned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(cleaned)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  // A variable: {name: X_PASSWORD, value: ...}.
  const named = (value as { name?: unknown }).name
  const isSecret = typeof named === 'string' && SECRET_FIELD.test(named)
  return Object.fromEntries(
    entries.map(([key, inner]) => {
      const hides = (SECRET_FIELD.test(key) || (isSecret && key === 'value')) && (typeof inner === 'string' || typeof inner === 'number')
      return [key, hides ? REMOVED : cleaned(inner)]
    }),
  )
}

/** A Secret as the bundle has it: which keys there are, and how long each value is. */
export const outlineOf = ({ metadata, type, data, apiVersion, kind }: Secret): unknown => ({
  apiVersion,
  kind,
  metadata: { name: metadata.name, namespace: metadata.namespace, labels: metadata.labels, creationTimestamp: metadata.creationTimestamp },
  type,
  dataBytes: Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').length])),
})
