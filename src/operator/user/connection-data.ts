import type { Secret } from '../../kube/resources.ts'
import { encoded, type SecretData, textOf } from '../../kube/secret-data.ts'
import { pkcs12 } from '../../security/pkcs12.ts'
import { listenersOf, type Listener, protocolOf } from '../cluster/listeners/listeners.ts'
import { newPassword } from '../passwords.ts'
import type { UserSeen } from './observe.ts'

/** Keys of the Secret that hold no secret of the user's, but where to connect and whom to trust there. `ca.*` only where the brokers are not publicly known. */
export const connectionData = (seen: Pick<UserSeen, 'cluster' | 'secret'>, takes: (listener: Listener) => boolean): SecretData => {
  const listeners = seen.cluster.status?.listeners ?? []
  const listener = listenersOf(seen.cluster).find((one) => takes(one) && listeners.some(({ name }) => name === one.name))
  const known = listeners.find(({ name }) => name === listener?.name)
  const data = encoded({
    'bootstrap.servers': known?.bootstrapServers ?? '',
    'security.protocol': listener ? protocolOf(listener) : '',
  })
  const authorities = known?.certificates ?? []
  return authorities.length > 0 ? { ...data, ...trustData(seen.secret, authorities) } : data
}

/** PEM, and PKCS #12 with its password; what is there stays, for each writing would give other bytes. */
const trustData = (secret: Secret | undefined, authorities: readonly string[]): SecretData => {
  const text = authorities.join('')
  const stays = textOf(secret, 'ca.crt') === text && secret?.data?.['ca.p12'] && secret.data['ca.password']
  if (stays) return pick(secret!, ['ca.crt', 'ca.p12', 'ca.password'])
  const password = textOf(secret, 'ca.password') ?? newPassword()
  const store = pkcs12({ certificatesPem: authorities, password })
  return { ...encoded({ 'ca.crt': text, 'ca.password': password }), 'ca.p12': store.toString('base64') }
}

export const pick = (secret: Secret, keys: readonly string[]): SecretData =>
  Object.fromEntries(keys.flatMap((key) => (secret.data?.[key] === undefined ? [] : [[key, secret.data[key]]])))
