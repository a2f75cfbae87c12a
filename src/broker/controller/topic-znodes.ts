import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import { configZnode } from '../metadata/znodes/config.ts'
import { deleteTopicZnode, topicZnode } from '../metadata/znodes/topic.ts'
import type { ControllerContext } from './context.ts'
import { writeAsController } from './state-writes.ts'

const BATCH = 100

/** Everything below `path` and itself, children first. */
const treeOf = async (zookeeper: ZooKeeperClient, path: string): Promise<string[]> => {
  const found = await unlessRefused(zookeeper.children(path), 'NO_NODE')
  if (!found) return []
  const trees = await Promise.all(found.children.map((child) => treeOf(zookeeper, `${path}/${child}`)))
  return [...trees.flat(), path]
}

const remove = async (zookeeper: ZooKeeperClient, context: ControllerContext, paths: readonly string[]): Promise<void> => {
  try {
    await writeAsController(
      zookeeper,
      context,
      paths.map((path) => ({ type: 'delete', path, version: -1 })),
    )
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error
    if (paths.length > 1) for (const path of paths) await remove(zookeeper, context, [path])
  }
}

/** Removes a topic: its states, then at once its assignment, its settings and the request to delete it, so that none of them is left over. */
export const removeTopicZnodes = async (zookeeper: ZooKeeperClient, context: ControllerContext, topic: string): Promise<void> => {
  const root = topicZnode.path(topic)
  const inside = (await treeOf(zookeeper, root)).filter((path) => path !== root)
  for (let at = 0; at < inside.length; at += BATCH) await remove(zookeeper, context, inside.slice(at, at + BATCH))
  await remove(zookeeper, context, [root, configZnode.path('topics', topic), deleteTopicZnode.path(topic)])
}
