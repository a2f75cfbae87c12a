import { spawn } from 'node:child_process'
import type { Access, ForeignClient } from './client.ts'
import { keyOf, numbers, parseLine, valueOf } from './records.ts'

const FORMAT = '%p\\t%o\\t%T\\t%k\\t%s\\t%h\\n'

export type KcatResult = { code: number | null; output: string; errors: string }

/** Runs kcat to its end; one that runs for 25 s is killed. */
export const kcat = (args: string[], input = ''): Promise<KcatResult> =>
  new Promise((resolve, reject) => {
    const child = spawn('kcat', args, { stdio: 'pipe' })
    const [output, errors]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
    const timer = setTimeout(() => child.kill('SIGKILL'), 25_000)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output: Buffer.concat(output).toString('utf8'), errors: Buffer.concat(errors).toString('utf8') })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })

/** kcat says most of what goes wrong on stderr only, and ends with 0 for some of it. */
const ok = async (args: string[], input?: string): Promise<string> => {
  const { code, output, errors } = await kcat(args, input)
  if (code !== 0 || /% ERROR|\|FAIL\||\|FATAL\|/.test(errors)) throw new Error(errors)
  return output
}

const connection = ({ bootstrap, login }: Access): string[] => {
  if (!login) return ['-b', bootstrap]
  const { mechanism, username, password } = login
  const settings = [
    'security.protocol=SASL_PLAINTEXT',
    `sasl.mechanism=${mechanism}`,
    `sasl.username=${username}`,
    `sasl.password=${password}`,
  ]
  return ['-b', bootstrap, ...settings.flatMap((setting) => ['-X', setting])]
}

/** `fallback`: librdkafka as it speaks to brokers of before 0.10, without ApiVersions; records of magic 0. */
export const kcatClient = (fallback?: '0.9.0' | '0.8.2'): ForeignClient => {
  const old = fallback ? ['-X', 'api.version.request=false', '-X', `broker.version.fallback=${fallback}`] : []
  const read = async (access: Access, topic: string, count: number) =>
    (await ok(['-C', ...connection(access), ...old, '-q', '-t', topic, '-o', 'beginning', '-c', String(count), '-f', FORMAT]))
      .split('\n')
      .filter(Boolean)
      .map(parseLine)
  return {
    name: fallback ? `kcat with broker.version.fallback=${fallback}` : 'kcat (librdkafka)',
    codecs: fallback ? ['none', 'gzip', 'snappy'] : ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    hasHeaders: false,
    setsTimestamps: false,
    produce: async (access, topic, { count, codec, isIdempotent }) => {
      const input = numbers(count).map((n) => `${keyOf(n)}\t${valueOf(n)}\n`)
      const more = [...(codec ? ['-z', codec] : []), ...(isIdempotent === undefined ? [] : ['-X', `enable.idempotence=${isIdempotent}`])]
      await ok(['-P', ...connection(access), ...old, '-t', topic, '-K', '\t', '-X', 'message.timeout.ms=5000', ...more], input.join(''))
    },
    read,
    readAsGroup: async (access, topic, group, count) =>
      (
        await ok([
          ...connection(access),
          ...old,
          '-q',
          '-c',
          String(count),
          '-f',
          FORMAT,
          '-X',
          'auto.offset.reset=earliest',
          '-G',
          group,
          topic,
        ])
      )
        .split('\n')
        .filter(Boolean)
        .map(parseLine),
    offsetsAt: async (access, topic, timestampMs, partitions) => {
      const wanted = numbers(partitions).flatMap((partition) => ['-t', `${topic}:${partition}:${timestampMs}`])
      const output = await ok(['-Q', ...connection(access), ...old, ...wanted])
      return [...output.matchAll(/\[(\d+)\] offset (-?\d+)/g)].map(([, partition, offset]) => ({
        partition: Number(partition),
        offset: Number(offset),
      }))
    },
    stop: () => {},
  }
}
