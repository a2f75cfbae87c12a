import { expect, test } from 'vitest'
import { clientQuotas, type QuotaFilter } from '../../../src/broker/metadata/client-quotas.ts'
import { ConfigStore } from '../../../src/broker/metadata/config-store.ts'
import { BrokerConfig } from '../../../src/broker/config/broker-config.ts'
import { wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { MemoryZooKeeper } from '../../support/memory-zookeeper.ts'

const STORED: Record<string, Record<string, string>> = {
  'users/anna': { producer_byte_rate: '1024', 'SCRAM-SHA-256': 'salt=s' },
  'users/ben%20b': { 'SCRAM-SHA-256': 'salt=s' },
  'users/%3Cdefault%3E': {},
  'users/<default>': { request_percentage: '12.5' },
  'clients/app': { consumer_byte_rate: '2' },
  'clients/<default>': { consumer_byte_rate: '3' },
  'users/anna/clients/app': { producer_byte_rate: '4' },
  'users/ben%20b/clients/<default>': { producer_byte_rate: '5' },
}

const store = () => {
  const zookeeper = new MemoryZooKeeper()
  for (const path of ['/config/users', '/config/clients']) zookeeper.put(path, null)
  for (const [path, config] of Object.entries(STORED)) {
    if (path.includes('/clients/')) zookeeper.put(`/config/${path.replace(/\/[^/]*$/, '')}`, null)
    zookeeper.put(`/config/${path}`, Buffer.from(JSON.stringify({ version: 1, config })))
  }
  const file = BrokerConfig.parse(new Map([['zookeeper.connect', 'x:1']]))
  return new ConfigStore({ session: { client: zookeeper.client({}) }, file, brokerId: 1, wall: wallClock, logger: silentLogger })
}

const ANNA = 'anna/-: producer_byte_rate=1024'
const EVERY_USER = '<default>/-: request_percentage=12.5'
const ANNAS_APP = 'anna/app: producer_byte_rate=4'
const BENS = 'ben b/<default>: producer_byte_rate=5'
const APP = '-/app: consumer_byte_rate=2'
const EVERY_CLIENT = '-/<default>: consumer_byte_rate=3'

test.each<[string, QuotaFilter, string[]]>([
  ['everything', { isStrict: false }, [ANNA, EVERY_USER, ANNAS_APP, BENS, APP, EVERY_CLIENT]],
  ['nothing by a strict filter without components', { isStrict: true }, []],
  ['users alone', { user: 'all', isStrict: true }, [ANNA, EVERY_USER]],
  ['users, and their clients', { user: 'all', isStrict: false }, [ANNA, EVERY_USER, ANNAS_APP, BENS]],
  ['one user', { user: { name: 'anna' }, isStrict: false }, [ANNA, ANNAS_APP]],
  ['the default user alone', { user: { name: null }, isStrict: true }, [EVERY_USER]],
  ['a client of any user', { user: 'all', clientId: { name: 'app' }, isStrict: true }, [ANNAS_APP]],
  ['the default client of one user', { user: { name: 'ben b' }, clientId: { name: null }, isStrict: true }, [BENS]],
  ['clients alone', { clientId: 'all', isStrict: true }, [APP, EVERY_CLIENT]],
  ['a user that nobody knows', { user: { name: 'nobody' }, isStrict: true }, []],
])('the stored quotas: %s', async (_what, filter, expected) => {
  const shown = (name: string | null | undefined) => (name === undefined ? '-' : (name ?? '<default>'))
  const found = (await clientQuotas(store(), filter)).map(
    ({ user, clientId, values }) => `${shown(user)}/${shown(clientId)}: ${[...values].map(([key, value]) => `${key}=${value}`).join(',')}`,
  )
  expect(found.sort()).toEqual(expected.sort())
})
