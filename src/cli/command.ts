import type { Session } from './session.ts'

/** What a shell offers where a word is missing. */
export type Completes = 'cluster' | 'topic' | 'user' | 'acl' | 'group' | 'kafkatopic' | 'namespace' | 'context' | 'file'
export type Option = {
  type: 'string' | 'boolean'
  short?: string
  /** May be given more than once. */
  multiple?: true
  /** What help calls the value. */
  value?: string
  summary: string
  choices?: readonly string[]
  completes?: Completes
}
export type Positional = { name: string; isOptional?: true; completes?: Completes }
export type Options = Readonly<Record<string, Option>>

/** What a command is called and takes; `load` brings the code that does it, so that help and completion load nothing. */
export type Command = {
  words: readonly string[]
  summary: string
  details?: readonly string[]
  positionals?: readonly Positional[]
  options: Options
  examples?: readonly string[]
  load: () => Promise<Run>
}
/** Gives the exit code; nothing is 0. */
export type Run = (call: Call, session: Session) => Promise<number | void>

/** Wrong arguments: the text says what to write instead. Exit 2. */
export class UsageError extends Error {}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

/** The arguments of one call, by what the command says that it takes. */
export class Call {
  readonly command: Command
  readonly #positionals: readonly string[]
  readonly #values: Values

  constructor(command: Command, positionals: readonly string[], values: Values) {
    this.command = command
    this.#positionals = positionals
    this.#values = values
  }

  positional(index: number): string | undefined {
    return this.#positionals[index]
  }

  /** One that the command needs. */
  needed(index: number): string {
    const text = this.#positionals[index]
    if (text === undefined)
      throw new UsageError(`write ${this.command.positionals?.[index]?.name ?? 'a name'} after ${this.command.words.join(' ')}`)
    return text
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  texts(name: string): string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : []
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  integer(name: string, least: number): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const number = Number(text)
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(number) || number < least)
      throw new UsageError(`--${name} ${text}: write a whole number${least > Number.MIN_SAFE_INTEGER ? ` from ${least} on` : ''}`)
    return number
  }
}
