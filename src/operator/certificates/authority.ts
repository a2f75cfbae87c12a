import { X509Certificate } from 'node:crypto'
import { BACKDATED_MS, createCertificate, type Certificate } from '../../security/certificates.ts'

/** How long certificates last, and how long before their end they are renewed. */
export type Terms = { validityMs: number; renewalMs: number }

/**
 * A certificate authority through its renewals: `next` is trusted already and signs later; `old` no longer signs, and is trusted until its members end. Private keys are
 * only there for `active` and `next`.
 */
export type Authority = { active: Certificate; next: Certificate | undefined; old: readonly string[] }

export type Advance = { authority: Authority; notes: string[] }

const DAY_MS = 86_400_000

export const endOf = (certificatePem: string): number => Date.parse(new X509Certificate(certificatePem).validTo)
const madeAt = (certificatePem: string): number => Date.parse(new X509Certificate(certificatePem).validFrom) + BACKDATED_MS
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const versionOf = (certificatePem: string | undefined): number =>
  certificatePem === undefined ? 0 : Number(/ v(\d+)$/m.exec(new X509Certificate(certificatePem).subject)?.[1] ?? 0)

/** Everything whose certificates count: what to give to those who check. */
export const trustOf = ({ active, next, old }: Authority): string[] => [
  active.certificatePem,
  ...(next ? [next.certificatePem] : []),
  ...old,
]

const isAlive = (certificatePem: string, nowMs: number): boolean => endOf(certificatePem) > nowMs

/** How long the next authority is trusted before it signs: clients far away have so long to fetch it. */
const announceMs = ({ renewalMs }: Terms): number => renewalMs / 2
/** So long before the end of the present authority the next one signs in any case. */
const marginMs = ({ renewalMs }: Terms): number => Math.min(DAY_MS, renewalMs / 4)

/**
 * One step of an authority's life, at the time `nowMs`. Nobody who checks certificates is ever shown one that it does not trust yet: first the next authority is trusted, for
 * half of the renewal time; then it signs; the former one stays trusted until it ends. `orphans` are certificates that are trusted although their keys are lost.
 */
export const advance = (
  before: Authority | undefined,
  { name, terms, nowMs, isForced, orphans }: { name: string; terms: Terms; nowMs: number; isForced: boolean; orphans: readonly string[] },
): Advance => {
  const make = (version: number) => createCertificate({ commonName: `${name} v${version}`, nowMs, validMs: terms.validityMs })
  if (!before) {
    const old = orphans.filter((each) => isAlive(each, nowMs))
    const version = Math.max(0, ...old.map(versionOf)) + 1
    return { authority: { active: make(version), next: undefined, old }, notes: [`${name} made`] }
  }
  const notes: string[] = []
  let { active, next } = before
  let old = before.old.filter((each) => isAlive(each, nowMs))
  const isDue = endOf(active.certificatePem) - nowMs <= terms.renewalMs
  if (!next && (isDue || isForced)) {
    next = make(versionOf(active.certificatePem) + 1)
    const signsMs = Math.min(nowMs + announceMs(terms), endOf(active.certificatePem) - marginMs(terms))
    notes.push(`${name}: the next one is trusted from now on and signs from ${dayOf(Math.max(nowMs, signsMs))} on`)
  }
  if (next && (nowMs - madeAt(next.certificatePem) >= announceMs(terms) || endOf(active.certificatePem) - nowMs <= marginMs(terms))) {
    old = [active.certificatePem, ...old].filter((each) => isAlive(each, nowMs))
    active = next
    next = undefined
    notes.push(`${name}: the next one signs from now on; the former is trusted until it ends`)
  }
  if (old.length < before.old.length && !notes.length) notes.push(`${name}: a former one has ended and is no longer trusted`)
  return { authority: { active, next, old }, notes }
}
