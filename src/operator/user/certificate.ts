import { secrets, type Secret } from '../../kube/resources.ts'
import { base64, encoded, type SecretData, textOf } from '../../kube/secret-data.ts'
import { keyText } from '../../kube/types.ts'
import { certificatesIn, type Certificate } from '../../security/certificates.ts'
import { pkcs12 } from '../../security/pkcs12.ts'
import { issue, whyAnew, type Wish } from '../certificates/leaf.ts'
import { authorityKeySecret, readAuthority } from '../certificates/secrets.ts'
import { termsOf } from '../certificates/step.ts'
import { clusterKeyOf } from '../claims.ts'
import { listenersOf } from '../cluster/listeners/listeners.ts'
import type { Environment } from '../environment.ts'
import { namespaceOf, ROTATE_PASSWORD } from '../names.ts'
import { reconciling, stalled, type Verdict } from '../reasons.ts'
import { newPassword } from '../passwords.ts'
import { connectionData, pick } from './connection-data.ts'
import { userSecret } from './desired.ts'
import type { UserSeen } from './observe.ts'

/** What a client needs to log in with a certificate, in a Secret named like the User; `note` says why the certificate is another one. */
export const certificateSecret = async (
  environment: Environment,
  seen: UserSeen,
): Promise<{ secret: Secret; note?: string } | { verdict: Verdict }> => {
  const { cluster, user, secret } = seen
  const key = clusterKeyOf(user)
  if (!listenersOf(cluster).some(({ hasClientCertificates }) => hasClientCertificates)) {
    const message = `no listener of the Cluster ${keyText(key)} has authentication.type TLS: add one, or give this User a password (SCRAM-SHA-512)`
    return { verdict: stalled('ListenerNotFound', message) }
  }
  const keys = await environment.kube.get(secrets, { namespace: namespaceOf(cluster), name: authorityKeySecret(key.name, 'clients-ca') })
  const known = readAuthority(keys)
  if (!known) return { verdict: reconciling('ClusterNotReady', `the Cluster ${keyText(key)} has made no authority for clients yet`) }
  const wish: Wish = { commonName: seen.name, hosts: [], purposes: ['client'] }
  const terminal = { authority: known.authority, terms: termsOf(cluster), nowMs: environment.wall.nowMs() }
  const present = presentIn(secret)
  const why = isRotated(seen) ? 'another one was asked for' : whyAnew(present, wish, terminal)
  const own = why === undefined ? pick(secret!, OWN_KEYS) : ownData(issue(wish, terminal), secret)
  const data = { username: base64(seen.name), ...own, ...connectionData(seen, ({ hasClientCertificates }) => hasClientCertificates) }
  return {
    secret: userSecret(seen, data),
    ...(why === undefined || !secret ? {} : { note: `certificate of ${seen.name} made anew: ${why}` }),
  }
}

const OWN_KEYS = ['user.crt', 'user.key', 'user.p12', 'user.password'] as const

const presentIn = (secret: Secret | undefined): Certificate | undefined => {
  const [certificatePem] = certificatesIn(textOf(secret, 'user.crt') ?? '')
  const keyPem = textOf(secret, 'user.key')
  const isWhole = OWN_KEYS.every((key) => secret?.data?.[key])
  return certificatePem !== undefined && keyPem !== undefined && isWhole ? { certificatePem, keyPem } : undefined
}

const isRotated = ({ secret, rotation }: UserSeen): boolean =>
  secret !== undefined && rotation !== secret.metadata.annotations?.[ROTATE_PASSWORD]

const ownData = ({ certificatePem, keyPem }: Certificate, secret: Secret | undefined): SecretData => {
  const password = textOf(secret, 'user.password') || newPassword()
  const store = pkcs12({ keyPem, certificatesPem: [certificatePem], password })
  return { ...encoded({ 'user.crt': certificatePem, 'user.key': keyPem, 'user.password': password }), 'user.p12': store.toString('base64') }
}
