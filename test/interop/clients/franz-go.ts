import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Access, ForeignClient } from './client.ts'
import { LineClient } from './line-client.ts'

const SOURCE = join('test', 'interop', 'clients', 'go')
const PROGRAM = join(process.cwd(), 'node_modules', '.cache', 'go', 'franz-go-client')

/** Go's own build cache decides what is to be done; the first build on a machine takes most of a minute. */
const build = (): void => {
  mkdirSync(join(PROGRAM, '..'), { recursive: true })
  execFileSync('go', ['build', '-buildvcs=false', '-o', PROGRAM, '.'], { cwd: SOURCE, stdio: ['ignore', 'ignore', 'inherit'] })
}

const properties = ({ bootstrap, login }: Access): Record<string, string> => ({
  bootstrap,
  ...(login && { mechanism: login.mechanism, user: login.username, password: login.password }),
})

/** franz-go of the version in go.mod. */
export const franzGoClient = (): ForeignClient => {
  build()
  const [, version] = /franz-go v(\S+)/.exec(readFileSync(join(SOURCE, 'go.mod'), 'utf8'))!
  const program = new LineClient(spawn(PROGRAM, [], { stdio: 'pipe' }))
  return {
    name: `franz-go ${version}`,
    codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    hasHeaders: true,
    setsTimestamps: true,
    produce: async (access, topic, { count, baseMs, codec, isIdempotent }) => {
      const more = { ...(codec && { codec }), ...(isIdempotent !== undefined && { idempotence: String(isIdempotent) }) }
      await program.run('produce', [topic, count, baseMs], { ...properties(access), ...more })
    },
    read: (access, topic, count) => program.records('read', [topic, count], properties(access)),
    readAsGroup: (access, topic, group, count) => program.records('group', [topic, count], { ...properties(access), group }),
    offsetsAt: async (access, topic, timestampMs) =>
      (await program.run('times', [topic, timestampMs], properties(access))).map((line) => {
        const [partition, offset, beginning, end] = line.split('\t').map(Number)
        return { partition: partition!, offset: offset!, beginning: beginning!, end: end! }
      }),
    topics: {
      create: (access, topic, partitions) => program.run('create', [topic, partitions], properties(access)).then(() => {}),
      delete: (access, topic) => program.run('delete', [topic], properties(access)).then(() => {}),
      list: (access) => program.run('list', [], properties(access)),
    },
    stop: () => program.stop(),
  }
}
