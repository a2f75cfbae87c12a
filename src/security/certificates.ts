import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto'
import { isIPv6 } from 'node:net'
import {
  bitString,
  boolean,
  elementsOf,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts'

/** A certificate with its private key, both PEM. EC P-256, ECDSA with SHA-256. */
export type Certificate = { certificatePem: string; keyPem: string }
export type CertificateOptions = {
  commonName: string
  dnsNames?: readonly string[]
  ipAddresses?: readonly string[]
  /** It is valid from a day earlier on, for clocks that are behind. */
  nowMs: number
  /** How long from `nowMs` on; absent: ten years. */
  validMs?: number
  /** What it may be used for; absent: both. */
  purposes?: readonly ('server' | 'client')[]
  /** Who signs it; absent: a certificate authority of its own. */
  ca?: Certificate
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
}
const DAY_MS = 86_400_000
/** How far before `nowMs` a certificate begins to be valid. */
export const BACKDATED_MS = DAY_MS
const TEN_YEARS_MS = 3650 * DAY_MS

const name = (commonName: string): Buffer => sequence(set(sequence(objectIdentifier(OID.commonName), utf8String(commonName))))
const extension = (oid: string, critical: boolean, value: Buffer): Buffer =>
  sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value))

const addressBytes = (address: string): Buffer => {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail = ''] = address.split('::')
  const words = (part: string): string[] => (part ? part.split(':') : [])
  const zeros = Array.from({ length: 8 - words(head).length - words(tail).length }, () => '0')
  return Buffer.from([...words(head), ...zeros, ...words(tail)].map((word) => word.padStart(4, '0')).join(''), 'hex')
}

const keyId = (key: KeyObject): Buffer => {
  const point = Buffer.from(key.export({ type: 'spki', format: 'der' })).subarray(-65)
  return createHash('sha1').update(point).digest()
}

const extensions = (options: CertificateOptions, publicKey: KeyObject, issuerKey: KeyObject): Buffer => {
  const isCa = !options.ca
  const names = [
    ...(options.dnsNames ?? []).map((dns) => implicit(2, Buffer.from(dns, 'latin1'))),
    ...(options.ipAddresses ?? []).map((address) => implicit(7, addressBytes(address))),
  ]
  // Key usage bits count from the most significant: digitalSignature is 0, keyCertSign 5, cRLSign 6.
  const usage = isCa ? bitString(Buffer.from([0b1000_0110]), 1) : bitString(Buffer.from([0b1000_0000]), 7)
  const { purposes = ['server', 'client'] } = options
  const keyPurposes = sequence(...purposes.map((purpose) => objectIdentifier(purpose === 'server' ? OID.serverAuth : OID.clientAuth)))
  return sequence(
    extension(OID.basicConstraints, true, isCa ? sequence(boolean(true)) : sequence()),
    extension(OID.keyUsage, true, usage),
    ...(isCa ? [] : [extension(OID.extendedKeyUsage, false, keyPurposes)]),
    extension(OID.subjectKeyIdentifier, false, octetString(keyId(publicKey))),
    extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, keyId(issuerKey)))),
    ...(names.length > 0 ? [extension(OID.subjectAltName, false, sequence(...names))] : []),
  )
}

/** The subject of a certificate as it is encoded there: an issuer must be the same bytes. */
const subjectOf = (certificatePem: string): Uint8Array => {
  const [toBeSigned] = elementsOf(new X509Certificate(certificatePem).raw)
  const [, , , , , subject] = elementsOf(toBeSigned!)
  return subject!
}

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`

/** Makes a key and a certificate (RFC 5280, version 3) for a server and client, signed by `ca`, or a certificate authority when there is none. */
export const createCertificate = (options: CertificateOptions): Certificate => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signingKey = options.ca ? createPrivateKey(options.ca.keyPem) : privateKey
  const subject = name(options.commonName)
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256))
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    options.ca ? subjectOf(options.ca.certificatePem) : subject,
    sequence(time(options.nowMs - BACKDATED_MS), time(options.nowMs + (options.validMs ?? TEN_YEARS_MS))),
    subject,
    Buffer.from(publicKey.export({ type: 'spki', format: 'der' })),
    explicit(3, extensions(options, publicKey, createPublicKey(signingKey))),
  )
  const signature = sign('sha256', toBeSigned, signingKey)
  return {
    certificatePem: pem('CERTIFICATE', sequence(toBeSigned, algorithm, bitString(signature))),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** True while the certificate was signed by `ca` and stays valid for another 30 days. */
export const isUsable = (certificate: Certificate, ca: Certificate, nowMs: number): boolean => {
  const parsed = new X509Certificate(certificate.certificatePem)
  const authority = new X509Certificate(ca.certificatePem)
  return parsed.verify(authority.publicKey) && Date.parse(parsed.validTo) > nowMs + 30 * DAY_MS
}

/** The certificates in a PEM text, each as it stands there with a line feed at its end. */
export const certificatesIn = (text: string): string[] =>
  (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((each) => `${each}\n`)
