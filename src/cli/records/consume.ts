import { OffsetFinder } from '../../client/offset-finder.ts'
import { type ReadRecord, readRecords } from '../../client/record-reader.ts'
import type { Call, Run } from '../command.ts'
import { type KafkaAccess, withKafka } from '../kafka-access.ts'
import type { Session } from '../session.ts'
import { counted, formatter, jsonLine } from './format.ts'
import { startOf } from './start.ts'

type Until = {
  /** Per partition, where it was the end when the command began; undefined: never. */ ends: Map<number, number> | undefined
  max: number
}

const endsOf = async (
  call: Call,
  session: Session,
  { client }: KafkaAccess,
  partitions: readonly number[],
): Promise<Map<number, number> | undefined> => {
  if (!call.flag('exit')) return undefined
  const finder = new OffsetFinder(client, session.clocks.monotonic)
  const ends = await finder.find(
    partitions.map((partition) => ({ topic: call.needed(0), partition })),
    'latest',
  )
  return new Map(ends.map(({ partition, offset }) => [partition, offset]))
}

const read = async (
  kafka: KafkaAccess,
  session: Session,
  from: Awaited<ReturnType<typeof startOf>>,
  until: Until,
  print: (record: ReadRecord) => string | Buffer,
): Promise<number> => {
  const left =
    until.ends &&
    new Map(
      from.flatMap(({ partition, offset }) =>
        offset < until.ends!.get(partition)! ? [[partition, until.ends!.get(partition)!] as const] : [],
      ),
    )
  let count = 0
  if (left?.size === 0 || until.max === 0) return count
  const stop = new AbortController()
  const signal = AbortSignal.any([session.signal, stop.signal])
  for await (const { partition, records, next } of readRecords({ client: kafka.client, clock: session.clocks.monotonic, from, signal })) {
    const end = until.ends?.get(partition) ?? Number.MAX_SAFE_INTEGER
    const shown = records.filter(({ offset }) => offset < end).slice(0, until.max - count)
    if (shown.length > 0) await session.io.out(Buffer.concat(shown.map((record) => Buffer.from(print(record) as string))))
    count += shown.length
    if (next >= end) left?.delete(partition)
    if (count >= until.max || left?.size === 0) stop.abort()
  }
  return count
}

export const run: Run = (call, session) => {
  const print = call.text('output') === 'json' ? jsonLine : formatter(call.text('format') ?? '%v\\n')
  const max = call.integer('max', 0) ?? Number.MAX_SAFE_INTEGER
  return withKafka(call, session, async (kafka) => {
    const from = await startOf(call, session, kafka)
    const ends = await endsOf(
      call,
      session,
      kafka,
      from.map(({ partition }) => partition),
    )
    if (call.text('from') === undefined && ends === undefined)
      session.io.err('waiting for records that are written from now on; --from earliest shows those that are there. Ctrl-C ends it\n')
    try {
      const count = await read(kafka, session, from, { ends, max }, print)
      session.io.err(`${counted(count)}\n`)
    } catch (error) {
      if (!session.signal.aborted) throw error
    }
  })
}
