import { createHash, createHmac, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { explicit, integer, objectIdentifier, octetString, sequence, set, tagged } from './der.ts'

/** PKCS #12 (RFC 7292) for Java clients before Kafka 2.7, which read no PEM: PBES2 with AES-256 for the key, HMAC with SHA-256 over all; Java from 8u301 and 11.0.12 on. */
export type Pkcs12 = {
  /** Key and certificate of the client, with the authorities of the chain; absent: what is trusted, nothing else. */
  keyPem?: string
  certificatesPem: readonly string[]
  password: string
}

const OID = {
  data: '1.2.840.113549.1.7.1',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  /** Oracle's mark, without which Java does not trust a certificate. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
  sha256: '2.16.840.1.101.3.4.2.1',
}
const ITERATIONS = 2048
const SALT_BYTES = 20
const SHA256_BLOCK_BYTES = 64
/** RFC 7292, appendix B.3: the key is for a MAC. */
const FOR_MAC = 3

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()
const bmpString = (text: string): Buffer => tagged(0x1e, utf16(text))
const NULL = tagged(0x05)
const number = (value: number): Buffer => integer(Buffer.from([value >> 8, value & 0xff]))

const attribute = (oid: string, value: Buffer): Buffer => sequence(objectIdentifier(oid), set(value))
const bag = (oid: string, content: Buffer, attributes: readonly Buffer[]): Buffer =>
  sequence(objectIdentifier(oid), explicit(0, content), set(...attributes))
const contentInfo = (content: Buffer): Buffer => sequence(objectIdentifier(OID.data), explicit(0, octetString(content)))

const certificateBag = (pem: string, attributes: readonly Buffer[]): Buffer =>
  bag(
    OID.certificateBag,
    sequence(objectIdentifier(OID.x509Certificate), explicit(0, octetString(new X509Certificate(pem).raw))),
    attributes,
  )

/** Repeated to a whole number of blocks. */
const fill = (bytes: Buffer): Buffer => Buffer.alloc(Math.ceil(bytes.length / SHA256_BLOCK_BYTES) * SHA256_BLOCK_BYTES, bytes)

/** RFC 7292, appendix B.2; the result is as long as one SHA-256, so there is one round. */
const macKey = (password: string, salt: Buffer): Buffer => {
  const secret = Buffer.concat([utf16(password), Buffer.from([0, 0])])
  let key = Buffer.concat([Buffer.alloc(SHA256_BLOCK_BYTES, FOR_MAC), fill(salt), fill(secret)])
  for (let round = 0; round < ITERATIONS; round++) key = createHash('sha256').update(key).digest()
  return key
}

const bagsOf = ({ keyPem, certificatesPem, password }: Pkcs12): Buffer[] => {
  if (keyPem === undefined) {
    const trusted = attribute(OID.trustedKeyUsage, objectIdentifier(OID.anyExtendedKeyUsage))
    return certificatesPem.map((pem, index) => certificateBag(pem, [attribute(OID.friendlyName, bmpString(`ca-${index}`)), trusted]))
  }
  const [leaf = '', ...chain] = certificatesPem
  const own = [attribute(OID.friendlyName, bmpString('user')), attribute(OID.localKeyId, octetString(Buffer.from([1])))]
  const key = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: password })
  return [bag(OID.shroudedKeyBag, key, own), certificateBag(leaf, own), ...chain.map((pem) => certificateBag(pem, []))]
}

/** Other bytes at each call: salts are made anew. */
export const pkcs12 = (contents: Pkcs12): Buffer => {
  const safe = sequence(contentInfo(sequence(...bagsOf(contents))))
  const salt = randomBytes(SALT_BYTES)
  const mac = createHmac('sha256', macKey(contents.password, salt)).update(safe).digest()
  const macData = sequence(sequence(sequence(objectIdentifier(OID.sha256), NULL), octetString(mac)), octetString(salt), number(ITERATIONS))
  return sequence(number(3), contentInfo(safe), macData)
}
