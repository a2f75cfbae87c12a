import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { advance, endOf, trustOf, type Authority } from '../../../src/operator/certificates/authority.ts'
import { readGiven } from '../../../src/operator/certificates/given.ts'
import { issue, whyAnew, type Wish } from '../../../src/operator/certificates/leaf.ts'
import { createCertificate, type Certificate } from '../../../src/security/certificates.ts'

const DAY_MS = 86_400_000
const T0_MS = Date.UTC(2026, 0, 1)
const TERMS = { validityMs: 365 * DAY_MS, renewalMs: 30 * DAY_MS }
const WISH: Wish = { commonName: 'ant-kafka', hosts: ['*.ant-kafka-brokers.ns.svc', '192.0.2.1'], purposes: ['server'] }

const step = (authority: Authority | undefined, nowMs: number, more: { isForced?: boolean; orphans?: string[] } = {}) =>
  advance(authority, { name: 'ant cluster-ca', terms: TERMS, nowMs, isForced: false, orphans: [], ...more })

const isSignedBy = ({ certificatePem }: Certificate, authorities: readonly string[]): boolean =>
  authorities.some((authority) => new X509Certificate(certificatePem).verify(new X509Certificate(authority).publicKey))
const isValid = ({ certificatePem }: Certificate, nowMs: number): boolean => endOf(certificatePem) > nowMs

describe('an authority', () => {
  test('is renewed over three years so that nobody ever meets a certificate that he does not trust', () => {
    let authority = step(undefined, T0_MS).authority
    let certificate = issue(WISH, { authority, terms: TERMS, nowMs: T0_MS })
    // A client that fetches what to trust only every fifteen days, and a broker that reads its certificate three days late.
    let trusted = trustOf(authority)
    let shown = certificate
    let authorities = 1
    for (let day = 0; day < 3 * 365; day += 3) {
      const nowMs = T0_MS + day * DAY_MS
      shown = certificate
      const before = authority.active.certificatePem
      authority = step(authority, nowMs).authority
      if (authority.active.certificatePem !== before) authorities++
      if (whyAnew(certificate, WISH, { authority, terms: TERMS, nowMs })) certificate = issue(WISH, { authority, terms: TERMS, nowMs })
      if (day % 15 === 0) trusted = trustOf(authority)
      for (const each of [shown, certificate]) {
        expect(isSignedBy(each, trusted), `day ${day}`).toBe(true)
        expect(isValid(each, nowMs), `day ${day}`).toBe(true)
      }
      expect(trustOf(authority).length).toBeLessThanOrEqual(2)
    }
    expect(authorities).toBe(4)
  })

  test('is trusted for half of the renewal time before it signs, and the former one until it ends', () => {
    const first = step(undefined, T0_MS).authority
    expect(step(first, T0_MS + 334 * DAY_MS)).toEqual({ authority: first, notes: [] })
    const announced = step(first, T0_MS + 335 * DAY_MS)
    expect(announced.authority.active).toEqual(first.active)
    expect(announced.authority.next).toBeDefined()
    expect(announced.notes[0]).toContain('signs from 2026-12-17 on')
    const stays = step(announced.authority, T0_MS + 349 * DAY_MS).authority
    expect(stays).toEqual(announced.authority)
    const signs = step(stays, T0_MS + 350 * DAY_MS).authority
    expect(signs).toEqual({ active: announced.authority.next, next: undefined, old: [first.active.certificatePem] })
    const alone = step(signs, T0_MS + 366 * DAY_MS)
    expect(alone.authority.old).toEqual([])
    expect(alone.notes[0]).toContain('no longer trusted')
    expect(new X509Certificate(signs.active.certificatePem).subject).toBe('CN=ant cluster-ca v2')
  })

  test('that nobody looked after until the last days still signs with the next one before it ends', () => {
    const first = step(undefined, T0_MS).authority
    const late = step(first, T0_MS + 360 * DAY_MS).authority
    expect([late.active, late.next !== undefined]).toEqual([first.active, true])
    expect(step(late, T0_MS + 364 * DAY_MS).authority.active).toEqual(late.next)
    const tooLate = step(first, T0_MS + 400 * DAY_MS).authority
    expect(endOf(tooLate.active.certificatePem)).toBeGreaterThan(T0_MS + 700 * DAY_MS)
    expect(trustOf(tooLate)).toHaveLength(1)
  })

  test('is renewed when the user asks for it, in the same order', () => {
    const first = step(undefined, T0_MS).authority
    const forced = step(first, T0_MS + DAY_MS, { isForced: true }).authority
    expect([forced.active, trustOf(forced).length]).toEqual([first.active, 2])
    expect(step(forced, T0_MS + 16 * DAY_MS).authority.active).toEqual(forced.next)
  })

  test('whose key is lost is followed by a new one, and what it signed stays trusted', () => {
    const first = step(undefined, T0_MS).authority
    const second = step(undefined, T0_MS + DAY_MS, { orphans: trustOf(first) }).authority
    expect(trustOf(second)).toEqual([second.active.certificatePem, first.active.certificatePem])
    expect(new X509Certificate(second.active.certificatePem).subject).toBe('CN=ant cluster-ca v2')
  })
})

describe('a certificate', () => {
  const { authority } = step(undefined, T0_MS)
  const terminal = { authority, terms: TERMS, nowMs: T0_MS }
  const certificate = issue(WISH, terminal)

  test.each<[string, Certificate | undefined, Partial<Wish>, Partial<typeof terminal>, string | undefined]>([
    ['stays', certificate, {}, {}, undefined],
    ['stays with fewer names', certificate, { hosts: ['192.0.2.1'] }, {}, undefined],
    ['is made where there is none', undefined, {}, {}, 'there was none'],
    ['is made anew where it is no certificate', { certificatePem: 'x', keyPem: 'y' }, {}, {}, 'there was none'],
    ['is made anew where the key is another', { ...certificate, keyPem: authority.active.keyPem }, {}, {}, 'there was none'],
    [
      'is made anew for another address',
      certificate,
      { hosts: ['192.0.2.2', '*.ant-kafka-brokers.ns.svc'] },
      {},
      'it did not name 192.0.2.2',
    ],
    ['is made anew by another authority', certificate, {}, { authority: step(undefined, T0_MS).authority }, 'another authority signs now'],
    ['does not outlive its authority, so it stays until the next one signs', certificate, {}, { nowMs: T0_MS + 340 * DAY_MS }, undefined],
  ])('%s', (_what, present, wish, more, why) => {
    expect(whyAnew(present, { ...WISH, ...wish }, { ...terminal, ...more })).toBe(why)
  })

  test('is made anew before it ends where its authority lasts longer', () => {
    const short = issue(WISH, { ...terminal, terms: { validityMs: 40 * DAY_MS, renewalMs: 10 * DAY_MS } })
    const terms = { validityMs: 40 * DAY_MS, renewalMs: 10 * DAY_MS }
    expect(whyAnew(short, WISH, { authority, terms, nowMs: T0_MS + 29 * DAY_MS })).toBeUndefined()
    expect(whyAnew(short, WISH, { authority, terms, nowMs: T0_MS + 30 * DAY_MS })).toBe('it was about to end')
  })
})

describe("a user's Secret", () => {
  const ca = createCertificate({ commonName: 'somebody', nowMs: T0_MS })
  const leaf = createCertificate({ commonName: 'x', dnsNames: ['x'], nowMs: T0_MS, validMs: 10 * DAY_MS, ca })
  const secret = (data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  })
  const good = { 'tls.crt': leaf.certificatePem + ca.certificatePem, 'tls.key': leaf.keyPem, 'ca.crt': ca.certificatePem }

  test('gives key and chain for the brokers, and the authority for clients', () => {
    expect(readGiven(secret(good), T0_MS)).toMatchObject({
      keystorePem: leaf.keyPem + leaf.certificatePem + ca.certificatePem,
      authorities: [ca.certificatePem],
    })
  })

  test.each<[string, Record<string, string> | undefined, number, string]>([
    ['is absent', undefined, T0_MS, 'is not there: make it'],
    ['has no key', { 'tls.crt': leaf.certificatePem }, T0_MS, 'has no tls.key'],
    ['has no certificate', { 'tls.key': leaf.keyPem }, T0_MS, 'has no tls.crt'],
    ['holds something else', { ...good, 'tls.crt': 'hello' }, T0_MS, 'has no PEM certificate in tls.crt'],
    ['has the key of another', { ...good, 'tls.key': ca.keyPem }, T0_MS, 'is not the key of the first certificate'],
    ['has a key that is none', { ...good, 'tls.key': 'hello' }, T0_MS, 'cannot be read'],
    ['is out of date', good, T0_MS + 11 * DAY_MS, 'ended on 2026-01-11: renew it'],
    ['is of the future', good, T0_MS - 10 * DAY_MS, 'is valid only from'],
  ])('that %s is refused in words, without what is in it', (_what, data, nowMs, words) => {
    const answer = readGiven(data && secret(data), nowMs)
    expect(answer).toContain(words)
    expect(answer).not.toContain('PRIVATE')
  })
})
