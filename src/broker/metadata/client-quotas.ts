import { KafkaError } from '../../protocol/errors.ts'
import type { ConfigStore } from './config-store.ts'
import { DEFAULT_ENTITY, desanitize, sanitize } from './znodes/config.ts'

/** Which names of one kind are asked for: one, the default entity (null), or all. Absent: the kind is not named. */
export type QuotaMatch = { name: string | null } | 'all'
export type QuotaFilter = { user?: QuotaMatch | undefined; clientId?: QuotaMatch | undefined; isStrict: boolean }
/** `user` and `clientId`: null is the default entity, absent means that the quota is not of that kind. */
export type ClientQuota = { user?: string | null; clientId?: string | null; values: Map<string, number> }

/** Other keys of users are their SCRAM credentials. Source: QuotaConfigs. */
const QUOTA_KEYS = new Set(['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate'])

const entityOf = (name: string | null): string => (name === null ? DEFAULT_ENTITY : sanitize(name))
const nameOf = (entity: string): string | null => (entity === DEFAULT_ENTITY ? null : desanitize(entity))

const valuesOf = (config: ReadonlyMap<string, string>): Map<string, number> => {
  const values = new Map<string, number>()
  for (const [key, text] of config) {
    if (!QUOTA_KEYS.has(key)) continue
    const value = Number(text)
    if (text.trim() === '' || Number.isNaN(value))
      throw new KafkaError('UNKNOWN_SERVER_ERROR', `Unexpected client quota configuration value: ${key} -> ${text}`)
    values.set(key, value)
  }
  return values
}

/** The entities of a kind that a filter asks for; undefined: quotas of this kind are not asked for at all. */
const chosen = (match: QuotaMatch | undefined, isStrict: boolean, all: () => Promise<string[]>): Promise<string[]> | undefined => {
  if (match === undefined) return isStrict ? undefined : all()
  return match === 'all' ? all() : Promise.resolve([entityOf(match.name)])
}

const ofUsers = async (configs: ConfigStore, filter: QuotaFilter): Promise<ClientQuota[]> => {
  if (filter.clientId !== undefined) return []
  const users = (await chosen(filter.user, filter.isStrict, () => configs.entities('users'))) ?? []
  return Promise.all(users.map(async (user) => ({ user: nameOf(user), values: valuesOf(await configs.read('users', user)) })))
}

const ofClients = async (configs: ConfigStore, filter: QuotaFilter): Promise<ClientQuota[]> => {
  if (filter.user !== undefined) return []
  const clients = (await chosen(filter.clientId, filter.isStrict, () => configs.entities('clients'))) ?? []
  return Promise.all(clients.map(async (client) => ({ clientId: nameOf(client), values: valuesOf(await configs.read('clients', client)) })))
}

const ofClientsOfUsers = async (configs: ConfigStore, filter: QuotaFilter): Promise<ClientQuota[]> => {
  const users = (await chosen(filter.user, filter.isStrict, () => configs.entities('users'))) ?? []
  const found = users.map(async (user) => {
    const clients = (await chosen(filter.clientId, filter.isStrict, () => configs.entities('users', `${user}/clients`))) ?? []
    return Promise.all(
      clients.map(async (client) => {
        const values = valuesOf(await configs.read('users', `${user}/clients/${client}`))
        return { user: nameOf(user), clientId: nameOf(client), values }
      }),
    )
  })
  return (await Promise.all(found)).flat()
}

/** The quotas that are stored for users, clients and clients of users, as AdminManager.describeClientQuotas chooses them. */
export const clientQuotas = async (configs: ConfigStore, filter: QuotaFilter): Promise<ClientQuota[]> => {
  const found = await Promise.all([ofUsers(configs, filter), ofClients(configs, filter), ofClientsOfUsers(configs, filter)])
  return found.flat().filter(({ values }) => values.size > 0)
}
