/** What runs inside each thread of a WorkerPool: one task at a time, then its answer. Loaded by URL only. */
import { parentPort } from 'node:worker_threads'
import { Transferred, type Answer, type Task } from './worker-pool.ts'

const perform = async (task: Task): Promise<Answer> => {
  const module = (await import(task.moduleUrl)) as Record<string, unknown>
  const run = module[task.exportName]
  if (typeof run !== 'function') throw new TypeError(`${task.moduleUrl} exports no function ${task.exportName}`)
  const result = (await (run as (input: unknown) => unknown)(task.input)) as unknown
  return result instanceof Transferred
    ? { ok: true, value: result.value, transfer: result.transfer }
    : { ok: true, value: result, transfer: [] }
}

/** Errors lose their class and their own properties (`code`, `path`, ...) between threads unless they are taken apart. */
const failure = (thrown: unknown): Answer => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  return {
    ok: false,
    name: error.name,
    message: error.message,
    stack: error.stack ?? '',
    properties: Object.fromEntries(Object.entries(error)),
  }
}

parentPort?.on('message', (task: Task) => {
  void perform(task)
    .then((answer) => parentPort!.postMessage(answer, answer.ok ? answer.transfer : []))
    .catch((thrown: unknown) => parentPort!.postMessage(failure(thrown)))
})
