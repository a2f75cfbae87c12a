import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'

const ROOT = '/brokers/ids'

const endpointsOf = async (zookeeper: Pick<ZooKeeperClient, 'get'>, id: string): Promise<string[] | undefined> => {
  const found = await unlessRefused(zookeeper.get(`${ROOT}/${id}`), 'NO_NODE')
  return found && ((JSON.parse(found.data?.toString('utf8') ?? '{}') as { endpoints?: string[] }).endpoints ?? [])
}

/** What the brokers wrote about themselves when they registered: the endpoints of each, NAME://HOST:PORT. */
export const registeredEndpoints = async (zookeeper: Pick<ZooKeeperClient, 'get' | 'children'>): Promise<Map<number, string[]>> => {
  const ids = (await zookeeper.children(ROOT)).children
  const found = await Promise.all(ids.map(async (id) => [Number(id), await endpointsOf(zookeeper, id)] as const))
  return new Map(found.flatMap(([id, endpoints]) => (endpoints ? [[id, endpoints] as const] : [])))
}
