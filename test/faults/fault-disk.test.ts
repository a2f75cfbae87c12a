import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'
import { FaultDisk } from './fault-disk.ts'

let directory: string
let root: string
let disk: FaultDisk

beforeEach(() => {
  directory = temporaryDirectory('fault-disk')
  root = join(directory, 'data')
  mkdirSync(root)
  writeFileSync(join(root, 'old'), 'from before')
  disk = new FaultDisk(root, join(directory, 'attic'))
})
afterEach(() => removeDirectory(directory))

const path = (...names: string[]) => join(root, ...names)
const text = (...names: string[]) => readFileSync(path(...names), 'utf8')
const bytes = (value: string) => [Buffer.from(value)]

test('what was synced survives a power loss, what was appended afterwards does not', async () => {
  const file = disk.open(path('log'), 'create')
  file.writeSync(bytes('synced'), 0)
  await file.sync()
  await disk.syncDirectory(root)
  file.writeSync(bytes(' and not'), 6)
  disk.losePower()
  expect(text('log')).toBe('synced')
  expect(text('old')).toBe('from before')
  expect(existsSync(join(directory, 'attic'))).toBe(false)
})

test('a name that was not synced is gone, whatever was synced in its file', async () => {
  const file = disk.open(path('log'), 'create')
  file.writeSync(bytes('synced'), 0)
  await file.sync()
  disk.losePower()
  expect(readdirSync(root)).toEqual(['old'])
})

test('bytes that were overwritten or cut off come back', async () => {
  const file = disk.open(path('old'), 'update')
  file.writeSync(bytes('FROM'), 0)
  file.truncateSync(6)
  file.writeSync(bytes('more than there was'), 6)
  disk.losePower()
  expect(text('old')).toBe('from before')
})

test('a sync that runs makes durable what was there when it began, and nothing that was cut off since', async () => {
  const file = disk.open(path('old'), 'update')
  file.writeSync(bytes(', 1'), 11)
  const syncing = file.sync()
  file.writeSync(bytes(', 2'), 14)
  file.writeSync(bytes('FROM'), 0)
  await syncing
  disk.losePower()
  expect(text('old')).toBe('from before, 1')
})

test('a removed and a replaced file come back until their directory is synced', async () => {
  disk.remove(path('old'))
  await disk.replaceFile(path('state'), Buffer.from('one'))
  expect(existsSync(path('old'))).toBe(false)
  disk.losePower()
  expect(text('state')).toBe('one')
  expect(existsSync(path('old'))).toBe(false)
})

test('a removed file comes back where nothing was synced', () => {
  disk.remove(path('old'))
  disk.losePower()
  expect(text('old')).toBe('from before')
})

test('a rename is undone with what it replaced', async () => {
  const file = disk.open(path('new'), 'create')
  file.writeSync(bytes('new'), 0)
  await file.sync()
  await disk.syncDirectory(root)
  disk.rename(path('new'), path('old'))
  expect(text('old')).toBe('new')
  disk.losePower()
  expect(text('old')).toBe('from before')
  expect(text('new')).toBe('new')
})

test('a directory that was renamed and removed comes back with its synced files', async () => {
  disk.makeDirectory(path('t-0'))
  const file = disk.open(path('t-0', 'log'), 'create')
  file.writeSync(bytes('synced'), 0)
  await file.sync()
  await disk.syncDirectory(path('t-0'))
  await disk.syncDirectory(root)
  file.writeSync(bytes('!'), 6)
  disk.rename(path('t-0'), path('t-0-delete'))
  await disk.removeInBackground(path('t-0-delete'))
  file.close()
  expect(readdirSync(root)).toEqual(['old'])
  disk.losePower()
  expect(readdirSync(root)).toEqual(['old', 't-0'])
  expect(text('t-0', 'log')).toBe('synced')
})

test('a full disk refuses writes, a failing one what was ordered, and only below the directory that was named', async () => {
  mkdirSync(path('a'))
  mkdirSync(path('b'))
  disk = new FaultDisk(root, join(directory, 'attic'))
  const [a, b] = [disk.open(path('a', 'log'), 'create'), disk.open(path('b', 'log'), 'create')]
  disk.fail(path('a'), 'full')
  expect(() => a.writeSync(bytes('x'), 0)).toThrow('ENOSPC')
  b.writeSync(bytes('x'), 0)
  disk.heal()
  disk.fail(path('a'), 'sync')
  a.writeSync(bytes('x'), 0)
  await expect(a.sync()).rejects.toThrow('EIO')
  expect(() => a.syncSync()).toThrow('EIO')
  disk.heal()
  await a.sync()
})
