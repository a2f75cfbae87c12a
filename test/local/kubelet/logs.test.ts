import { beforeEach, expect, test } from 'vitest'
import { ContainerLog, parseLog } from '../../../src/local/kubelet/container-log.ts'
import { logPath, readLog, readMore, type LogQuery } from '../../../src/local/kubelet/log-reader.ts'
import { ManualClock, wallOf } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

let disk: MemoryDisk
let clock: ManualClock
beforeEach(() => {
  disk = new MemoryDisk()
  clock = new ManualClock()
})
const open = (run = 0, maxBytes = 1_000_000) => new ContainerLog({ disk, clock: wallOf(clock, 0), path: `/logs/${run}.log`, maxBytes })
const all: LogQuery = { follow: false, previous: false, timestamps: false }
const read = (query: Partial<LogQuery> = {}): string => readLog(disk, '/logs/0.log', { ...all, ...query }).bytes.toString()

test('lines come out as they went in, whatever the chunks were', () => {
  const log = open()
  log.write('stdout', Buffer.from('one\ntw'))
  log.write('stderr', Buffer.from('error\n'))
  log.write('stdout', Buffer.from('o\nthree'))
  log.close()
  expect(read()).toBe('one\nerror\ntwo\nthree\n')
})

test('a long line is cut and joined again', () => {
  const log = open()
  const line = 'x'.repeat(40_000)
  log.write('stdout', Buffer.from(`${line}\nend\n`))
  expect(parseLog(disk.readFile('/logs/0.log')).entries.map(({ isWhole }) => isWhole)).toEqual([false, false, true, true])
  expect(read()).toBe(`${line}\nend\n`)
})

test('the last lines, those since a time, and times are given where asked for', async () => {
  const log = open()
  for (const word of ['a', 'b', 'c']) {
    log.write('stdout', Buffer.from(`${word}\n`))
    await clock.advance(1000)
  }
  expect(read({ tailLines: 2 })).toBe('b\nc\n')
  expect(read({ tailLines: 0 })).toBe('')
  expect(read({ sinceMs: 2000 })).toBe('c\n')
  expect(read({ timestamps: true, tailLines: 1 })).toBe('1970-01-01T00:00:02.000Z c\n')
  expect(read({ limitBytes: 3 })).toBe('a\nb')
})

test('a log takes at most twice its bound and loses the oldest lines', () => {
  const log = open(0, 1000)
  for (let i = 0; i < 200; i++) log.write('stdout', Buffer.from(`line ${i}\n`))
  const sizes = ['/logs/0.log', '/logs/0.log.1'].map((path) => disk.stat(path)!.sizeBytes)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1000)
  expect(disk.list('/logs').length).toBe(2)
  expect(read().endsWith('line 198\nline 199\n')).toBe(true)
})

test('a reader that follows gets what comes, over a rotation too', () => {
  const log = open(0, 200)
  log.write('stdout', Buffer.from('one\n'))
  const first = readLog(disk, '/logs/0.log', all)
  log.write('stdout', Buffer.from('two\n'))
  const second = readMore(disk, '/logs/0.log', first.position, false)
  expect(second.bytes.toString()).toBe('two\n')
  log.write('stdout', Buffer.from(`${'x'.repeat(150)}\n`))
  expect(readMore(disk, '/logs/0.log', 1000, false).bytes.toString()).toBe(`${'x'.repeat(150)}\n`)
})

test('the run before has a log of its own', () => {
  for (const run of [3, 10]) open(run).close()
  expect(logPath(disk, '/logs', false)).toBe('/logs/10.log')
  expect(logPath(disk, '/logs', true)).toBe('/logs/3.log')
  expect(logPath(disk, '/none', false)).toBeUndefined()
})
