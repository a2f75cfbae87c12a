import { runJava, type JarSet } from '../../support/java.ts'

/** A message to be read and written again by Apache's classes; see Oracle.java. */
export type Question = {
  how: 'data' | 'struct'
  side: 'request' | 'response' | 'requestHeader' | 'responseHeader'
  key: number
  version: number
  bytes: Buffer
}
export type Answer = { hex: string; values: string } | { error: string }
export type ApacheError = { code: number; name: string; retriable: boolean; message: string }
export type ApacheApi = {
  key: number
  name: string
  minVersion: number
  maxVersion: number
  /** By version, one beyond the latest included. */
  headerVersions: { request: number; response: number }[]
}
/** A field of a message definition in Apache's JSON. */
export type Definition = {
  name: string
  type: string
  versions: string
  nullableVersions?: string
  flexibleVersions?: string
  default?: unknown
  ignorable?: boolean | string
  entityType?: string
  tag?: number
  taggedVersions?: string
  fields?: Definition[]
}
export type MessageDefinition = { validVersions: string; flexibleVersions?: string; fields: Definition[]; commonStructs?: Definition[] }

export type Oracle = { errors: ApacheError[]; apis: ApacheApi[]; definitions: Map<string, MessageDefinition>; answers: Answer[] }

const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString('utf8')

const readApi = ([key, name, min, max, headers]: string[]): ApacheApi => ({
  key: Number(key),
  name: name!,
  minVersion: Number(min),
  maxVersion: Number(max),
  headerVersions: headers!.split(',').map((pair) => {
    const [request, response] = pair.split(':').map(Number)
    return { request: request!, response: response! }
  }),
})

/** One run of a JVM: its tables, and the answers in the order of the questions. Definitions are by `<key> <side>`, headers have key -1. */
export const askApache = async (set: JarSet, questions: readonly Question[]): Promise<Oracle> => {
  const input = questions
    .map(({ how, side, key, version, bytes }) => `${how} ${side} ${key} ${version} ${bytes.toString('hex')}\n`)
    .join('')
  const output = await runJava(set, 'test/protocol/support/Oracle.java', [], { input })
  const oracle: Oracle = { errors: [], apis: [], definitions: new Map(), answers: [] }
  for (const line of output.trimEnd().split('\n')) {
    const [kind, ...words] = line.split(' ')
    if (kind === 'E') {
      const [code, name, retriable, message] = words
      oracle.errors.push({ code: Number(code), name: name!, retriable: retriable === 'true', message: fromBase64(message!) })
    }
    if (kind === 'A') oracle.apis.push(readApi(words))
    if (kind === 'J') {
      const json = fromBase64(words[2]!).replace(/^\s*\/\/.*$/gm, '')
      oracle.definitions.set(`${words[0]} ${words[1]}`, JSON.parse(json) as MessageDefinition)
    }
    if (kind === 'R') oracle.answers.push({ hex: words[0]!, values: words[1]! })
    if (kind === 'X') oracle.answers.push({ error: words.join(' ') })
  }
  if (oracle.answers.length !== questions.length) throw new Error(`${questions.length} questions, ${oracle.answers.length} answers`)
  return oracle
}
