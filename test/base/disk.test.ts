import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Disk } from '../../src/base/disk.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { MemoryDisk } from '../support/memory-disk.ts'

const real = mkdtempSync(join(tmpdir(), 'sofakafka-disk-'))
afterAll(() => rmSync(real, { recursive: true, force: true }))
const inMemory = new MemoryDisk()
inMemory.makeDirectory('/disk')

const disks: [string, Disk, string][] = [
  ['memory', inMemory, '/disk'],
  ['real', nodeDisk, real],
]
const code = (expected: string) => expect.objectContaining({ code: expected })

describe.each(disks)('the %s disk', (_name, disk, root) => {
  const at = (name: string) => join(root, name)
  const put = (name: string, text: string) => {
    const file = disk.open(at(name), 'create')
    file.truncateSync(0)
    file.writeSync([Buffer.from(text)], 0)
    file.close()
  }

  test('writes several buffers back to back and reads them back, and no more', async () => {
    const file = disk.open(at('a'), 'create')
    file.writeSync([Buffer.from('abc'), Buffer.alloc(0), Buffer.from('defg')], 0)
    file.writeSync([Buffer.from('X')], 3)
    const target = Buffer.alloc(10)
    expect(file.readSync(target, 1)).toBe(6)
    expect(target.toString('latin1', 0, 6)).toBe('bcXefg')
    expect(await file.read(target, 6)).toBe(1)
    expect(file.readSync(target, 7)).toBe(0)
    expect(file.sizeBytes()).toBe(7)
    file.close()
  })

  test('writes more buffers than one system call takes', () => {
    const file = disk.open(at('many'), 'create')
    file.writeSync(
      Array.from({ length: 3000 }, (_, i) => Buffer.from([i & 255])),
      0,
    )
    expect(file.sizeBytes()).toBe(3000)
    expect(disk.readFile(at('many'))[2999]).toBe(2999 & 255)
    file.close()
  })

  test('a cut file is shorter, a stretched one has zeros', () => {
    put('cut', 'abcdef')
    const file = disk.open(at('cut'), 'update')
    file.truncateSync(2)
    file.truncateSync(4)
    expect(disk.readFile(at('cut'))).toEqual(Buffer.from('ab\0\0'))
    file.close()
  })

  test('opens for reading and updating only what exists', () => {
    expect(() => disk.open(at('absent'), 'read')).toThrow(code('ENOENT'))
    expect(() => disk.open(at('absent'), 'update')).toThrow(code('ENOENT'))
    expect(() => disk.open(at('no/parent'), 'create')).toThrow(code('ENOENT'))
    expect(() => disk.readFile(at('absent'))).toThrow(code('ENOENT'))
    expect(disk.stat(at('absent'))).toBeUndefined()
  })

  test('lists names in order and tells directories', () => {
    disk.makeDirectory(at('dir/sub/deep'))
    disk.makeDirectory(at('dir/sub'))
    put('dir/b', '1')
    put('dir/a', '22')
    expect(disk.list(at('dir'))).toEqual([
      { name: 'a', isDirectory: false },
      { name: 'b', isDirectory: false },
      { name: 'sub', isDirectory: true },
    ])
    expect(disk.stat(at('dir/a'))).toMatchObject({ sizeBytes: 2, isDirectory: false })
    expect(disk.stat(at('dir/sub'))).toMatchObject({ isDirectory: true })
    expect(() => disk.list(at('nothing'))).toThrow(code('ENOENT'))
  })

  test('renames over a file, and a directory with all that is in it', () => {
    put('from', 'new')
    put('to', 'old')
    disk.rename(at('from'), at('to'))
    expect(disk.readFile(at('to')).toString()).toBe('new')
    expect(disk.stat(at('from'))).toBeUndefined()
    disk.makeDirectory(at('tree/inner'))
    put('tree/inner/x', 'x')
    disk.rename(at('tree'), at('moved'))
    expect(disk.readFile(at('moved/inner/x')).toString()).toBe('x')
    expect(() => disk.rename(at('tree'), at('else'))).toThrow(code('ENOENT'))
  })

  test('an open file stays readable after its name is gone or another', () => {
    put('gone', 'still here')
    const file = disk.open(at('gone'), 'read')
    disk.rename(at('gone'), at('gone.deleted'))
    disk.remove(at('gone.deleted'))
    const target = Buffer.alloc(5)
    expect(file.readSync(target, 0)).toBe(5)
    expect(target.toString()).toBe('still')
    file.close()
  })

  test('removing what is absent is no error', async () => {
    disk.remove(at('absent'))
    disk.removeDirectory(at('absent'))
    await disk.removeInBackground(at('absent'))
    disk.makeDirectory(at('full/of'))
    put('full/of/things', '1')
    await disk.removeInBackground(at('full'))
    expect(disk.stat(at('full'))).toBeUndefined()
  })

  test('replaces a file as a whole and leaves no temporary one', async () => {
    await disk.replaceFile(at('whole'), Buffer.from('one, long'))
    await disk.replaceFile(at('whole'), Buffer.from('two'))
    expect(disk.readFile(at('whole')).toString()).toBe('two')
    expect(disk.list(root).filter((entry) => entry.name.endsWith('.tmp'))).toEqual([])
  })

  test('a lock has one holder', () => {
    const lock = disk.lock(at('.lock'))
    expect(() => disk.lock(at('.lock'))).toThrow(code('EBUSY'))
    lock.release()
    disk.lock(at('.lock')).release()
  })
})

describe('the lock file of the real disk', () => {
  const path = join(real, 'pid.lock')
  test('is taken over from a dead process, a reused process id and a machine that was booted since', () => {
    for (const left of ['999999999 1 -', `${process.ppid} 1 another-boot`, `${process.ppid} 0 -`, 'garbage', '']) {
      writeFileSync(path, left)
      nodeDisk.lock(path).release()
    }
  })
})

describe('the memory disk', () => {
  test('fails on order: the nth matching call, with the wanted code, a part of the bytes written', () => {
    const disk = new MemoryDisk()
    const file = disk.open('/f', 'create')
    disk.fail('write', { nth: 2, code: 'ENOSPC', partialBytes: 2, path: /f$/ })
    file.writeSync([Buffer.from('ab')], 0)
    expect(() => file.writeSync([Buffer.from('cdef')], 2)).toThrow(code('ENOSPC'))
    expect(disk.readFile('/f').toString()).toBe('abcd')
    file.writeSync([Buffer.from('e')], 4)
    expect(disk.readFile('/f').toString()).toBe('abcde')
  })

  test('a power loss takes the bytes and the names that were not synced', async () => {
    const disk = new MemoryDisk()
    disk.makeDirectory('/d')
    await disk.syncDirectory('/')
    const kept = disk.open('/d/kept', 'create')
    kept.writeSync([Buffer.from('synced')], 0)
    await kept.sync()
    await disk.syncDirectory('/d')
    kept.writeSync([Buffer.from(' lost')], 6)
    const lost = disk.open('/d/lost', 'create')
    lost.writeSync([Buffer.from('x')], 0)
    await lost.sync()
    disk.losePower()
    expect(disk.list('/d').map((entry) => entry.name)).toEqual(['kept'])
    expect(disk.readFile('/d/kept').toString()).toBe('synced')
    expect(() => kept.writeSync([Buffer.from('x')], 0)).toThrow(code('EIO'))
  })

  test('a rename that was not synced is undone by a power loss', async () => {
    const disk = new MemoryDisk()
    await disk.replaceFile('/f', Buffer.from('old'))
    const file = disk.open('/new', 'create')
    file.writeSync([Buffer.from('new')], 0)
    await file.sync()
    disk.rename('/new', '/f')
    disk.losePower()
    expect(disk.readFile('/f').toString()).toBe('old')
    await disk.replaceFile('/f', Buffer.from('newer'))
    disk.losePower()
    expect(disk.readFile('/f').toString()).toBe('newer')
  })
})

test('a directory that cannot be made is refused, also below /proc', () => {
  writeFileSync(join(real, 'file'), '')
  for (const path of ['/proc/nowhere/deeper', join(real, 'file/deeper')]) {
    expect(() => nodeDisk.makeDirectory(path)).toThrow(/^E[A-Z]+: /)
  }
  nodeDisk.makeDirectory(join(real, 'x/y'))
  nodeDisk.makeDirectory(join(real, 'x/y'))
  expect(nodeDisk.stat(join(real, 'x/y'))?.isDirectory).toBe(true)
})
