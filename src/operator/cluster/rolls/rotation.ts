import * as resources from '../../../kube/resources.ts'
import { verifyPassword } from '../../../security/scram.ts'
import type { Contact } from '../../kafka/contact.ts'
import { BROKER_USER, ROTATE_CREDENTIALS } from '../../names.ts'
import { MECHANISMS } from '../../user/desired.ts'
import { credentialsOf, newPasswords, OWN_USERS, readCredentials, type Credentials } from '../credentials.ts'
import type { Finding, Pass, Step } from '../steps.ts'

/** So long after its change every pod has a Secret's new content: kubelets look once a minute, and a little later at the worst. */
const SETTLED_MS = 180_000

/**
 * The passwords of the operator and of the brokers. Other ones are made when the annotation asks for them: they are written down beside the old ones, and when every
 * broker must have read them Kafka is told, and the old ones go. Brokers and operator try both meanwhile, so nothing is restarted and nobody is locked out.
 * Where Kafka has another password for the brokers than the Secret, e.g. because the Secret was deleted, Kafka gets that of the Secret.
 */
export const rotation: Step = {
  name: 'passwords',
  run: async (pass) => {
    const { environment, cluster, seen, kafka } = pass
    const credentials = readCredentials(seen.credentials)
    if (!credentials) return undefined
    const nowMs = environment.wall.nowMs()
    const wish = cluster.metadata.annotations?.[ROTATE_CREDENTIALS]
    const { next } = credentials
    if (next) return finish(pass, credentials, { ...next, contact: kafka.contact, nowMs })
    if (wish !== undefined && wish !== credentials.rotation) return begin(pass, credentials, wish, nowMs)
    return kafka.contact && mend(pass, credentials, kafka.contact, nowMs)
  },
}

const begin = async (pass: Pass, credentials: Credentials, wish: string, nowMs: number): Promise<Finding> => {
  await write(pass, { ...credentials, next: { passwords: newPasswords(), sinceMs: nowMs }, rotation: wish })
  await tell(pass, 'passwords of the operator and the brokers are being changed: the next ones are written down, and used in 3 minutes')
  return { requeueAfterMs: SETTLED_MS }
}

type Due = { passwords: Credentials['passwords']; sinceMs: number; contact: Contact | undefined; nowMs: number }

const finish = async (pass: Pass, credentials: Credentials, { passwords, sinceMs, contact, nowMs }: Due): Promise<Finding | undefined> => {
  const leftMs = sinceMs + SETTLED_MS - nowMs
  if (leftMs > 0) return { requeueAfterMs: leftMs }
  if (!contact) return undefined
  for (const user of OWN_USERS) await setEverywhere(contact, user, passwords[user])
  const { next: _used, ...rest } = credentials
  await write(pass, { ...rest, passwords })
  await tell(pass, 'the passwords of the operator and the brokers were changed')
  return undefined
}

const mend = async (pass: Pass, { passwords }: Credentials, contact: Contact, nowMs: number): Promise<Finding | undefined> => {
  const stored = await contact.scramCredential(BROKER_USER, 'SCRAM-SHA-512')
  if (stored && (await verifyPassword('SCRAM-SHA-512', passwords[BROKER_USER], stored))) return undefined
  const madeMs = Date.parse(pass.seen.credentials?.metadata.creationTimestamp ?? '')
  const leftMs = madeMs + SETTLED_MS - nowMs
  if (leftMs > 0) return { requeueAfterMs: leftMs }
  await setEverywhere(contact, BROKER_USER, passwords[BROKER_USER])
  await tell(pass, `Kafka has the password of ${BROKER_USER} that the Secret says again`)
  return undefined
}

/** For every mechanism by which the user could log in so far: an old password must not be left anywhere. */
const setEverywhere = async (contact: Contact, user: string, password: string): Promise<void> => {
  for (const mechanism of MECHANISMS) {
    const stored = await contact.scramCredential(user, mechanism)
    const isWanted = stored !== undefined || mechanism === 'SCRAM-SHA-512'
    if (isWanted && !(stored && (await verifyPassword(mechanism, password, stored))))
      await contact.admin.setScramPassword(user, mechanism, password)
  }
}

const write = async (pass: Pass, credentials: Credentials): Promise<void> => {
  const { environment, cluster, seen } = pass
  seen.credentials = (await environment.kube.apply(resources.secrets, credentialsOf(cluster, credentials))).object
}

const tell = ({ environment, cluster }: Pass, note: string): Promise<void> =>
  environment.events.record(cluster, { type: 'Normal', reason: 'Changed', action: 'RotateCredentials', note })
