import type { WallClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { type AclBinding, type AclFilter, bindingKey, patternKey, type ResourcePattern } from '../../security/acl.ts'
import type { Authorizer } from '../../security/authorizer.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import { followNotifications } from './notifications.ts'
import { ACL_RESOURCE_TYPES, ACL_STORES, aclChangeZnode, aclZnode } from './znodes/acl.ts'
import { makeAclRoots } from './znodes/roots.ts'
import type { ZooKeeperSession } from './session.ts'

/** Two brokers that write one pattern at once: the slower one reads again and repeats. Kafka gives up after ten tries too. */
const ATTEMPTS = 10

type Stored = { bindings: AclBinding[]; version: number }
const ABSENT = -1

/** Keeps an authorizer equal to what ZooKeeper holds, and changes what ZooKeeper holds. All brokers do so; znode versions settle who was first. */
export class AclStore {
  readonly #session: ZooKeeperSession
  readonly #authorizer: Authorizer
  readonly #wall: WallClock
  readonly #logger: Logger

  constructor(options: { session: ZooKeeperSession; authorizer: Authorizer; wall: WallClock; logger: Logger }) {
    this.#session = options.session
    this.#authorizer = options.authorizer
    this.#wall = options.wall
    this.#logger = options.logger
  }

  /** Reads every binding; call once before the first listener opens. */
  async load(): Promise<void> {
    await makeAclRoots(this.#session.client)
    for (const store of ACL_STORES) {
      for (const resourceType of ACL_RESOURCE_TYPES) {
        const { children } = await this.#session.client.children(aclZnode.typePath(store, resourceType))
        for (const resourceName of children) await this.#refresh({ resourceType, resourceName, patternType: store.patternType })
      }
    }
  }

  /** Follows changes until the session ends. */
  async follow(): Promise<void> {
    const following = ACL_STORES.map((store) =>
      followNotifications({
        zookeeper: this.#session.client,
        parent: store.changes,
        process: (path, data) => this.#refresh(aclChangeZnode.decode(store, path, data)),
        wall: this.#wall,
        logger: this.#logger,
      }),
    )
    await Promise.all(following)
  }

  /** The bindings that a filter means, as this broker knows them. */
  find(filter: AclFilter): AclBinding[] {
    return this.#authorizer.find(filter)
  }

  /** One that is there already is no error. */
  async add(binding: AclBinding): Promise<void> {
    const key = bindingKey(binding)
    await this.#change(binding, (bindings) => (bindings.some((other) => bindingKey(other) === key) ? bindings : [...bindings, binding]))
  }

  /** Removes what a filter means and gives what was removed. */
  async remove(filter: AclFilter): Promise<AclBinding[]> {
    const found = Map.groupBy(this.#authorizer.find(filter), patternKey)
    for (const bindings of found.values()) {
      const gone = new Set(bindings.map(bindingKey))
      await this.#change(bindings[0]!, (stored) => stored.filter((binding) => !gone.has(bindingKey(binding))))
    }
    return [...found.values()].flat()
  }

  async #refresh(pattern: ResourcePattern): Promise<void> {
    const { bindings } = await this.#read(pattern)
    this.#authorizer.replacePattern(pattern, bindings)
  }

  async #read(pattern: ResourcePattern): Promise<Stored> {
    const found = await unlessRefused(this.#session.client.get(aclZnode.path(pattern)), 'NO_NODE')
    if (!found) return { bindings: [], version: ABSENT }
    return { bindings: found.data ? aclZnode.decode(pattern, found.data) : [], version: found.stat.version }
  }

  async #change(pattern: ResourcePattern, change: (bindings: AclBinding[]) => AclBinding[]): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stored = await this.#read(pattern)
      const bindings = change(stored.bindings)
      const isSame = bindings.length === stored.bindings.length
      if (!isSame && !(await this.#write(pattern, stored, bindings))) continue
      this.#authorizer.replacePattern(pattern, bindings)
      if (!isSame) await this.#notify(pattern)
      return
    }
    throw new KafkaError(
      'UNKNOWN_SERVER_ERROR',
      `the ACLs of ${patternKey(pattern)} were changed by others ${ATTEMPTS} times in a row; try again`,
    )
  }

  /** False when somebody else was faster. */
  async #write(pattern: ResourcePattern, { version }: Stored, bindings: readonly AclBinding[]): Promise<boolean> {
    const path = aclZnode.path(pattern)
    try {
      if (bindings.length === 0) await this.#session.client.delete(path, version)
      else if (version === ABSENT) await this.#session.client.create(path, aclZnode.encode(bindings))
      else await this.#session.client.set(path, aclZnode.encode(bindings), version)
      return true
    } catch (error) {
      if (isZooKeeperError(error, 'BAD_VERSION', 'NO_NODE', 'NODE_EXISTS')) return false
      throw error
    }
  }

  async #notify(pattern: ResourcePattern): Promise<void> {
    const store = ACL_STORES.find(({ patternType }) => patternType === pattern.patternType)!
    await this.#session.client.create(aclChangeZnode.sequencePrefix(store), aclChangeZnode.encode(pattern), {
      mode: 'persistent-sequential',
    })
  }
}
