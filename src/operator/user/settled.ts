import type { Cluster, User } from '../../api/index.ts'
import { canonical, hashOf } from '../../kube/difference.ts'
import { keyOf, keyText } from '../../kube/types.ts'
import { formatCredential, type ScramCredential } from '../../security/scram.ts'
import { clusterKeyOf, userName, recordOf } from '../claims.ts'
import type { Contact } from '../kafka/contact.ts'
import { namespaceOf, ROTATE_PASSWORD } from '../names.ts'
import type { Store } from '../store.ts'
import { mechanismOf } from './desired.ts'

/** The versions of the Secret that the operator makes, and of the one that has the password, where somebody gives it. */
export type SecretVersions = { own: string | undefined; given: string | undefined }

type Known = { inputs: string; credential: string }

/**
 * Under what circumstances the last look at a User with a password found, or brought, everything in order. While they are the same, the next look reads no Secret
 * and salts no password, which takes milliseconds of a processor. Of passwords and credentials it keeps hashes of the latter alone.
 */
export class SettledUsers {
  readonly #store: Pick<Store, 'secrets'>
  readonly #known = new Map<string, Known>()

  constructor(store: Pick<Store, 'secrets'>) {
    this.#store = store
  }

  /** `versions`: of what was read or written, not of what watches have told. */
  note(user: User, cluster: Cluster, versions: SecretVersions, credential: ScramCredential): void {
    this.#known.set(keyText(keyOf(user)), { inputs: inputsOf(user, cluster, versions), credential: hashOf(formatCredential(credential)) })
  }

  forget(user: { metadata: User['metadata'] }): void {
    this.#known.delete(keyText(keyOf(user)))
  }

  /** Whether all that a User with a password asks for is so, as far as that can be said without its password. Two reads in ZooKeeper. */
  async isSettled(user: User, cluster: Cluster, contactOf: () => Promise<Contact>): Promise<boolean> {
    const known = this.#known.get(keyText(keyOf(user)))
    const mechanism = mechanismOf(user)
    if (!mechanism || known?.inputs !== inputsOf(user, cluster, this.#versionsOf(user))) return false
    const contact = await contactOf()
    const [record, credential] = await Promise.all([
      contact.records.get('users', userName(user)),
      contact.scramCredential(userName(user), mechanism),
    ])
    const isRecorded = canonical(record) === canonical({ ...recordOf(user), mechanism })
    return isRecorded && credential !== undefined && hashOf(formatCredential(credential)) === known.credential
  }

  #versionsOf(user: User): SecretVersions {
    const version = (name: string | undefined) =>
      name === undefined ? undefined : this.#store.secrets.get({ namespace: namespaceOf(user), name })?.metadata.resourceVersion
    return { own: version(user.metadata.name), given: version(user.spec.authentication.password?.secretKeyRef.name) }
  }
}

const inputsOf = (user: User, cluster: Cluster, versions: SecretVersions): string =>
  hashOf([
    [user.metadata.uid, user.metadata.generation, user.metadata.annotations?.[ROTATE_PASSWORD]],
    [keyText(clusterKeyOf(user)), cluster.metadata.uid, cluster.metadata.generation, cluster.status?.listeners],
    [versions.own, versions.given],
  ])
