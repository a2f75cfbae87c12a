import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

/** What a PEM text lacks, or what is wrong in it; the message goes behind the name of the file. Never holds key material. */
export class PemError extends Error {}

/** A private key with the certificate that goes with it: `chain` is PEM, its first certificate is `leaf`. `key` is PKCS #8 PEM without a password. */
export type KeyPair = { key: string; chain: string; leaf: X509Certificate }

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g
const CERTIFICATE = /^(?:X509 |TRUSTED )?CERTIFICATE$/
const PRIVATE_KEY = /PRIVATE KEY$/

const blocks = (text: string, label: RegExp): string[] =>
  [...text.matchAll(BLOCK)].flatMap(([whole, name]) => (label.test(name!) ? [whole] : []))

const parseCertificates = (text: string): X509Certificate[] => {
  const found = blocks(text, CERTIFICATE)
  if (found.length === 0) throw new PemError('holds no certificate (-----BEGIN CERTIFICATE-----)')
  return found.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch {
      throw new PemError(`holds a certificate that cannot be read, number ${index + 1}`)
    }
  })
}

const parseKey = (text: string, password: string | null): KeyObject => {
  const [block, ...more] = blocks(text, PRIVATE_KEY)
  if (block === undefined) throw new PemError('holds no private key (-----BEGIN PRIVATE KEY-----)')
  if (more.length > 0) throw new PemError('holds more than one private key: leave the one that belongs to the certificate')
  const isEncrypted = /ENCRYPTED/.test(block)
  if (isEncrypted && password === null) throw new PemError('holds an encrypted private key, and no password is given for it')
  try {
    return createPrivateKey({ key: block, ...(password === null ? {} : { passphrase: password }) })
  } catch {
    throw new PemError(isEncrypted ? 'holds a private key that its password does not open' : 'holds a private key that cannot be read')
  }
}

/** From `leaf` on each certificate is followed by its issuer; certificates that are not of the chain come last. */
const inOrder = (leaf: X509Certificate, others: readonly X509Certificate[]): X509Certificate[] => {
  const chain = [leaf]
  const left = [...others]
  for (let last = leaf; ;) {
    const index = left.findIndex((candidate) => last.checkIssued(candidate))
    if (index < 0) return [...chain, ...left]
    last = left.splice(index, 1)[0]!
    chain.push(last)
  }
}

/** The key in one text and the chain in another, which may be the same; in any order. Throws PemError. */
export const keyPairOf = (keyText: string, chainText: string, password: string | null): KeyPair => {
  const key = parseKey(keyText, password)
  const certificates = parseCertificates(chainText)
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (!leaf) throw new PemError('holds a private key that belongs to none of its certificates')
  const chain = inOrder(
    leaf,
    certificates.filter((certificate) => certificate !== leaf),
  )
  return { key: key.export({ type: 'pkcs8', format: 'pem' }).toString(), chain: chain.map(String).join(''), leaf }
}

/** The certificates of those who are trusted, each PEM. Throws PemError. */
export const authoritiesOf = (text: string): string[] => parseCertificates(text).map(String)
