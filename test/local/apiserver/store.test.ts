import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { asString, type KubeObject } from '../../../src/local/apiserver/json.ts'
import { Journal } from '../../../src/local/apiserver/store/journal.ts'
import { Store } from '../../../src/local/apiserver/store/store.ts'
import { removeDirectory, temporaryDirectory } from '../../support/apache.ts'

const open = (directory: string, disk = nodeDisk): { store: Store; journal: Journal } => {
  const { journal, entries, revision } = Journal.open({ disk, directory, logger: silentLogger })
  return { store: new Store(journal, entries, revision), journal }
}
const object = (name: string, data: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'n', uid: name, resourceVersion: '', creationTimestamp: '' },
    data,
  }) as KubeObject

test('a grown journal becomes a snapshot, and nothing is lost or comes back', async () => {
  const directory = temporaryDirectory('store')
  const first = open(directory)
  for (let i = 0; i < 20; i++) first.store.put('/configmaps', object(`o${i % 5}`, String(i).repeat(600_000)))
  first.store.delete('/configmaps', 'n/o3')
  const { revision } = first.store
  await first.journal.close()
  const names = nodeDisk.list(directory).map((entry) => entry.name)
  expect(names).toContain('snapshot.json')
  expect(names).not.toContain('journal-0')
  const second = open(directory)
  expect(second.store.revision).toBe(revision)
  expect(second.store.list('/configmaps').map((one) => [one.metadata.name, asString(one['data']).slice(0, 2)])).toEqual([
    ['o0', '15'],
    ['o1', '16'],
    ['o2', '17'],
    ['o4', '19'],
  ])
  await second.journal.close()
  removeDirectory(directory)
})

test('a write that the disk refuses changes nothing', async () => {
  const directory = temporaryDirectory('store-full')
  let isFull = false
  const disk: typeof nodeDisk = {
    ...nodeDisk,
    open: (path, mode) => {
      const file = nodeDisk.open(path, mode)
      const writeSync: typeof file.writeSync = (buffers, position) => {
        if (!isFull) return file.writeSync(buffers, position)
        file.writeSync([buffers[0]!.subarray(0, 10)], position)
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      }
      return { ...file, writeSync }
    },
  }
  const { store, journal } = open(directory, disk)
  store.put('/configmaps', object('kept', 'a'))
  const { revision } = store
  isFull = true
  expect(() => store.put('/configmaps', object('lost', 'b'))).toThrow('no space left')
  isFull = false
  expect(store.revision).toBe(revision)
  expect(store.get('/configmaps', 'n/lost')).toBeUndefined()
  store.put('/configmaps', object('later', 'c'))
  await journal.close()
  const again = open(directory)
  expect(again.store.list('/configmaps').map((one) => one.metadata.name)).toEqual(['kept', 'later'])
  await again.journal.close()
  removeDirectory(directory)
})
