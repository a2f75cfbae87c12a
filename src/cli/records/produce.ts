import { type Codec, type NewRecord, RecordWriter } from '../../client/record-writer.ts'
import { type Call, type Run, UsageError } from '../command.ts'
import { describeFailure, Failure } from '../failure.ts'
import { withKafka } from '../kafka-access.ts'
import type { Session } from '../session.ts'
import { counted } from './format.ts'

const MAX_CALL_BYTES = 512 * 1024
const MAX_LINE_BYTES = 16 * 1024 * 1024
const NEWLINE = 10

/** The lines of the input, those that came together in one list; bytes, for not everything is text. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer[], void, undefined> {
  let begun: Buffer = Buffer.alloc(0)
  for await (const chunk of input) {
    const bytes: Buffer = Buffer.concat([begun, chunk])
    const lines: Buffer[] = []
    let at = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
      lines.push(bytes.subarray(at, end))
      at = end + 1
    }
    begun = bytes.subarray(at)
    if (begun.length > MAX_LINE_BYTES) throw new Failure(`a line has more than ${MAX_LINE_BYTES} bytes: a record is a line`)
    if (lines.length > 0) yield lines
  }
  if (begun.length > 0) yield [begun]
}

/** Nobody ends the input of a terminal who wants to stop by Ctrl-C. */
async function* untilAborted<T>(input: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = input[Symbol.asyncIterator]()
  const aborted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }))
  while (!signal.aborted) {
    const next = await Promise.race([iterator.next(), aborted])
    if (next === undefined || next.done) return
    yield next.value
  }
}

const headersOf = (call: Call): { key: string; value: string }[] =>
  call.texts('header').map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--header ${text}: write NAME=VALUE`)
    return { key: text.slice(0, at), value: text.slice(at + 1) }
  })

/** Makes a record of a line. */
const recordMaker = (call: Call, nowMs: () => number): ((line: Buffer, number: number) => NewRecord) => {
  const [key, separator, headers] = [call.text('key'), call.text('key-separator'), headersOf(call)]
  if (key !== undefined && separator !== undefined) throw new UsageError('write --key or --key-separator, not both')
  if (separator === '') throw new UsageError('--key-separator: write at least one character')
  return (line, number) => {
    const common = { timestamp: nowMs(), headers }
    if (separator === undefined) return { ...common, key: key ?? null, value: line }
    const at = line.indexOf(separator)
    if (at === -1) throw new Failure(`line ${number} has no ${JSON.stringify(separator)} between key and value`)
    return { ...common, key: line.subarray(0, at), value: line.subarray(at + Buffer.byteLength(separator)) }
  }
}

/** So many at a time that a batch stays below what a topic takes by default. */
function* portions(records: readonly NewRecord[]): Generator<NewRecord[], void, undefined> {
  let portion: NewRecord[] = []
  let sizeBytes = 0
  for (const record of records) {
    const bytes = Buffer.byteLength(record.value ?? '') + Buffer.byteLength(record.key ?? '') + 100
    if (portion.length > 0 && sizeBytes + bytes > MAX_CALL_BYTES) {
      yield portion
      portion = []
      sizeBytes = 0
    }
    portion.push(record)
    sizeBytes += bytes
  }
  if (portion.length > 0) yield portion
}

/** The leader answers so before it writes anything; every partition of a topic gives the first of them alike. */
const REFUSALS = new Set(['TOPIC_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION'])
const isRefusal = (error: unknown): boolean => REFUSALS.has((error as { error?: string }).error ?? '')

const writeAll = async (session: Session, writer: RecordWriter, make: (line: Buffer, number: number) => NewRecord): Promise<number> => {
  let [written, read] = [0, 0]
  let isSending = false
  try {
    for await (const lines of linesOf(untilAborted(session.io.input, session.signal))) {
      const records = lines.map((line) => make(line, ++read))
      for (const portion of portions(records)) {
        isSending = true
        await writer.send(portion)
        isSending = false
        written += portion.length
      }
    }
    return written
  } catch (error) {
    const { code, text } = describeFailure(error)
    const rest = isSending && !isRefusal(error) ? 'those after them may or may not have been written' : 'nothing after them was written'
    throw new Failure(`${text} (${counted(written)} confirmed; ${rest})`, code, { cause: error })
  }
}

export const run: Run = (call, session) => {
  const make = recordMaker(call, () => session.clocks.wall.nowMs())
  const partition = call.integer('partition', 0)
  const codec = call.text('compression') as Codec | undefined
  return withKafka(call, session, async ({ client }) => {
    const topic = call.needed(0)
    const fields = { ...(partition === undefined ? {} : { partition }), ...(codec ? { codec } : {}) }
    const writer = new RecordWriter({ client, clock: session.clocks.monotonic, topic, ...fields })
    const written = await writeAll(session, writer, make)
    session.io.err(`${counted(written)} written to ${topic}\n`)
  })
}
