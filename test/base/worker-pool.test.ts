import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { siblingModule, WorkerPool } from '../../src/base/worker-pool.ts'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'

const TASKS = siblingModule('./worker-tasks', import.meta.url)
let pool: WorkerPool
const make = (options: { size?: number; maxQueued?: number } = {}) => (pool = new WorkerPool({ size: 2, ...options }))
afterEach(() => pool.close())

test('a task runs in another thread and gives back what it returns', async () => {
  make()
  const [a, b] = await Promise.all([pool.run<number[]>(TASKS, 'sum', [1, 2, 3]), pool.run<number[]>(TASKS, 'sum', [4])])
  expect([a[0], b[0]]).toEqual([6, 4])
  expect(a[1]).toBeGreaterThan(0)
  expect(b[1]).not.toBe(a[1])
})

test('no thread is started before the first task, and never more than the size', async () => {
  make({ size: 2 })
  expect(pool.threads).toBe(0)
  const tasks = Array.from({ length: 10 }, (_, n) => pool.run<number[]>(TASKS, 'sum', [n]))
  expect(pool.threads).toBe(2)
  expect(pool.queued).toBe(8)
  expect((await Promise.all(tasks)).map(([sum]) => sum)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(pool.threads).toBe(2)
})

test('an error keeps its name, message and own properties', async () => {
  make()
  const error = await pool.run(TASKS, 'fail', 'ENOSPC').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'RangeError', message: 'refused', code: 'ENOSPC' })
})

test('a task that is not there is named', async () => {
  make()
  await expect(pool.run(TASKS, 'absent', 1)).rejects.toThrow(/worker-tasks.* exports no function absent/)
  await expect(pool.run('file:///no/such/module.ts', 'x', 1)).rejects.toThrow(/no\/such\/module/)
})

test('a thread that dies fails its own task, and the others run in a new one', async () => {
  make({ size: 1 })
  const outcome = await Promise.allSettled([pool.run(TASKS, 'die', 3), pool.run<number[]>(TASKS, 'sum', [1, 1])])
  expect(outcome[0]).toMatchObject({ status: 'rejected', reason: { message: 'the worker thread of die died: it exited with 3' } })
  expect(outcome[1]).toMatchObject({ status: 'fulfilled' })
  expect((outcome[1] as PromiseFulfilledResult<number[]>).value[0]).toBe(2)
  await expect(pool.run(TASKS, 'throwLater', 0)).rejects.toThrow('the worker thread of throwLater died: later')
  expect((await pool.run<number[]>(TASKS, 'sum', [5]))[0]).toBe(5)
})

test('a full queue refuses', async () => {
  make({ size: 1, maxQueued: 1 })
  const taken = [pool.run(TASKS, 'sum', [1]), pool.run(TASKS, 'sum', [1])]
  await expect(pool.run(TASKS, 'sum', [1])).rejects.toThrow('has 1 tasks waiting, its limit')
  await Promise.all(taken)
})

test('memory goes there and back without a copy', async () => {
  make()
  const bytes = new Uint8Array([1, 2, 3])
  const back = await pool.run<Uint8Array>(TASKS, 'reverse', bytes, [bytes.buffer])
  expect(bytes.length).toBe(0)
  expect([...back]).toEqual([3, 2, 1])
})

test('an input that cannot be cloned fails the task and leaves the thread usable', async () => {
  make({ size: 1 })
  await expect(pool.run(TASKS, 'sum', () => 1)).rejects.toThrow(/could not be cloned/)
  await expect(pool.run(TASKS, 'returnFunction', 0)).rejects.toThrow(/could not be cloned/)
  expect((await pool.run<number[]>(TASKS, 'sum', [7]))[0]).toBe(7)
})

test('closing refuses what waits, ends what runs, and takes nothing more', async () => {
  make({ size: 1 })
  const running = pool.run<number[]>(TASKS, 'sum', [9])
  const waiting = pool.run(TASKS, 'sum', [1]).catch((error: Error) => error.message)
  await pool.close()
  expect((await running)[0]).toBe(9)
  expect(await waiting).toBe('the worker pool is closed')
  await expect(pool.run(TASKS, 'sum', [1])).rejects.toThrow('closed')
  expect(pool.threads).toBe(0)
})

test('idle threads do not keep the process alive', async () => {
  const pool = new URL('../../src/base/worker-pool.ts', import.meta.url).href
  const script = `import { WorkerPool } from '${pool}'; console.log((await new WorkerPool({ size: 2 }).run('${TASKS}', 'sum', [1, 2]))[0])`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 })
  expect(stdout).toBe('3\n')
})

test('as JavaScript, threads load JavaScript', async () => {
  const directory = temporaryDirectory('worker-pool')
  try {
    for (const name of ['worker-pool', 'worker-main']) {
      const source = stripTypeScriptTypes(readFileSync(`src/base/${name}.ts`, 'utf8'))
      writeFileSync(join(directory, `${name}.js`), source.replaceAll(/from '(\..*)\.ts'/g, "from '$1.js'"))
    }
    writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
    const task = `export const own = (name) => [name, import.meta.url.endsWith('/task.js')]`
    writeFileSync(join(directory, 'task.js'), task)
    const script = `
      import { siblingModule, WorkerPool } from './worker-pool.js'
      console.log(JSON.stringify(await new WorkerPool({ size: 1 }).run(siblingModule('./task', import.meta.url), 'own', 'x')))`
    writeFileSync(join(directory, 'main.js'), script)
    const { stdout } = await promisify(execFile)(process.execPath, [join(directory, 'main.js')], { timeout: 10_000 })
    expect(JSON.parse(stdout)).toEqual(['x', true])
  } finally {
    removeDirectory(directory)
  }
})
