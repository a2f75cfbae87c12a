import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { ZooKeeperError } from '../../zookeeper/errors.ts'

const ROOT = '/brokers/ids'

const isGone = (error: unknown): boolean => error instanceof ZooKeeperError && error.error === 'NO_NODE'

const endpointsOf = async (zookeeper: Pick<ZooKeeperClient, 'get'>, id: string): Promise<string[] | undefined> => {
  try {
    const { data } = await zookeeper.get(`${ROOT}/${id}`)
    return (JSON.parse(data?.toString('utf8') ?? '{}') as { endpoints?: string[] }).endpoints ?? []
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** What the brokers wrote about themselves when they registered: the endpoints of each, NAME://HOST:PORT. */
export const registeredEndpoints = async (zookeeper: Pick<ZooKeeperClient, 'get' | 'children'>): Promise<Map<number, string[]>> => {
  const ids = (await zookeeper.children(ROOT)).children
  const found = await Promise.all(ids.map(async (id) => [Number(id), await endpointsOf(zookeeper, id)] as const))
  return new Map(found.flatMap(([id, endpoints]) => (endpoints ? [[id, endpoints] as const] : [])))
}
