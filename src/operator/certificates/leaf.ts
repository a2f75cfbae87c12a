import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createCertificate, type Certificate } from '../../security/certificates.ts'
import { endOf, type Authority, type Terms } from './authority.ts'

/** What a certificate is to say. */
export type Wish = { commonName: string; hosts: readonly string[]; purposes: readonly ('server' | 'client')[] }

const DAY_MS = 86_400_000

const parse = ({ certificatePem, keyPem }: Certificate): X509Certificate | undefined => {
  try {
    const certificate = new X509Certificate(certificatePem)
    return certificate.checkPrivateKey(createPrivateKey(keyPem)) ? certificate : undefined
  } catch {
    return undefined
  }
}

/** A wildcard among the names covers one label, as clients see it. */
const covers = (certificate: X509Certificate, host: string): boolean => {
  if (isIP(host)) return certificate.checkIP(host) !== undefined
  if (host.startsWith('*.')) return certificate.subjectAltName?.split(', ').includes(`DNS:${host}`) ?? false
  return certificate.checkHost(host, { subject: 'never' }) !== undefined
}

export const namesMissingIn = (certificate: X509Certificate, hosts: readonly string[]): string[] =>
  hosts.filter((host) => !covers(certificate, host))

/** When a certificate that is made now ends: never after the authority that signs it. */
const endMs = (authority: Authority, terms: Terms, nowMs: number): number =>
  Math.min(nowMs + terms.validityMs, endOf(authority.active.certificatePem))

/** Why a certificate has to be made anew; undefined: it may stay. */
export const whyAnew = (
  present: Certificate | undefined,
  wish: Wish,
  { authority, terms, nowMs }: { authority: Authority; terms: Terms; nowMs: number },
): string | undefined => {
  const certificate = present && parse(present)
  if (!certificate) return 'there was none'
  if (!certificate.verify(new X509Certificate(authority.active.certificatePem).publicKey)) return 'another authority signs now'
  if (certificate.subject !== `CN=${wish.commonName}`) return 'it is for another name'
  const missing = namesMissingIn(certificate, wish.hosts)
  if (missing.length > 0)
    return `it did not name ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}`
  const ends = Date.parse(certificate.validTo)
  const isDue = ends - nowMs <= terms.renewalMs
  return isDue && endMs(authority, terms, nowMs) > ends + Math.min(DAY_MS, terms.renewalMs / 4) ? 'it was about to end' : undefined
}

export const issue = (
  { commonName, hosts, purposes }: Wish,
  { authority, terms, nowMs }: { authority: Authority; terms: Terms; nowMs: number },
): Certificate =>
  createCertificate({
    commonName,
    dnsNames: hosts.filter((host) => !isIP(host)),
    ipAddresses: hosts.filter((host) => isIP(host)),
    nowMs,
    validMs: endMs(authority, terms, nowMs) - nowMs,
    purposes,
    ca: authority.active,
  })
