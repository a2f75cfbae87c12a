import { createPrivateKey, X509Certificate } from 'node:crypto'
import { certificatesIn } from '../../security/certificates.ts'
import type { Secret } from '../../kube/resources.ts'
import { textOf } from '../../kube/secret-data.ts'
import { dayOf } from './authority.ts'

/** A certificate that somebody else made. `authorities` is empty where clients know them anyway. */
export type Given = { keystorePem: string; authorities: string[]; endsMs: number; certificate: X509Certificate }

/** What a Secret of a user holds, or what is wrong with it, as the rest of a sentence that begins with its name. */
export const readGiven = (secret: Secret | undefined, nowMs: number): Given | string => {
  if (!secret) return 'is not there: make it, with tls.crt and tls.key'
  const [chainPem, keyPem] = [textOf(secret, 'tls.crt'), textOf(secret, 'tls.key')]
  if (!chainPem || !keyPem) return `has no ${chainPem ? 'tls.key' : 'tls.crt'}: put the PEM there`
  const chain = certificatesIn(chainPem)
  const [leafPem] = chain
  if (leafPem === undefined) return 'has no PEM certificate in tls.crt: put the chain there, the certificate of the brokers first'
  try {
    const certificate = new X509Certificate(leafPem)
    const key = createPrivateKey(keyPem)
    if (!certificate.checkPrivateKey(key))
      return 'has a tls.key that is not the key of the first certificate in tls.crt: renew both together'
    const endsMs = Date.parse(certificate.validTo)
    if (endsMs <= nowMs) return `has a certificate that ended on ${dayOf(endsMs)}: renew it`
    if (Date.parse(certificate.validFrom) > nowMs)
      return `has a certificate that is valid only from ${certificate.validFrom} on: use another until then`
    const keystorePem = [key.export({ type: 'pkcs8', format: 'pem' }).toString(), ...chain].join('')
    return { keystorePem, authorities: certificatesIn(textOf(secret, 'ca.crt') ?? ''), endsMs, certificate }
  } catch (error) {
    return `cannot be read: ${(error as Error).message}; tls.crt and tls.key must be PEM, the key without a password`
  }
}
