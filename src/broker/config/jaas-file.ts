import type { JaasEntry } from './jaas.ts'
import { ConfigError } from './parse.ts'

const TOKEN = /\s+|\/\*[\s\S]*?\*\/|\/\/[^\n]*|"((?:[^"\\]|\\.)*)"|([\w.$*-]+)|([{}=;])/y
const FLAGS = new Set(['required', 'requisite', 'sufficient', 'optional'])

type Token = { text: string; isQuoted: boolean; line: number }

/** Reads the tokens one after the other; every refusal names file and line, never the text, which holds passwords. */
class Tokens {
  readonly #all: Token[] = []
  readonly #key: string
  readonly #path: string
  #at = 0

  constructor(key: string, path: string, text: string) {
    this.#key = key
    this.#path = path
    let line = 1
    TOKEN.lastIndex = 0
    while (TOKEN.lastIndex < text.length) {
      const match = TOKEN.exec(text)
      if (!match) throw this.#wrong(line, 'a character stands where none may')
      const [whole, quoted, word, mark] = match
      const token = quoted?.replace(/\\(.)/g, '$1') ?? word ?? mark
      if (token !== undefined) this.#all.push({ text: token, isQuoted: quoted !== undefined, line })
      line += whole.split('\n').length - 1
    }
  }

  get isAtEnd(): boolean {
    return this.#at === this.#all.length
  }
  isNext(text: string): boolean {
    const token = this.#all[this.#at]
    return token?.text === text && !token.isQuoted
  }
  take(what: string, allows: (token: Token) => boolean = () => true): string {
    const token = this.#all[this.#at++]
    if (!token || !allows(token)) throw this.#wrong(token?.line ?? this.#all.at(-1)?.line ?? 1, `${what} must stand there`)
    return token.text
  }
  mark(text: string): void {
    this.take(`"${text}"`, (token) => token.text === text && !token.isQuoted)
  }

  #wrong(line: number, why: string): ConfigError {
    return new ConfigError(
      this.#key,
      `${this.#key}=${this.#path}, line ${line}: ${why}. A section reads NAME { MODULE required username="..." password="..."; };`,
    )
  }
}

const readEntry = (tokens: Tokens): JaasEntry => {
  const module = tokens.take('the class name of a login module', ({ text }) => !/[{}=;]/.test(text))
  tokens.take(`one of ${[...FLAGS].join(', ')}`, ({ text }) => FLAGS.has(text.toLowerCase()))
  const options = new Map<string, string>()
  while (!tokens.isNext(';')) {
    const name = tokens.take('the name of an option, or ";"', ({ text, isQuoted }) => !isQuoted && !/[{}=;]/.test(text))
    tokens.mark('=')
    options.set(
      name,
      tokens.take('the value of an option', ({ text, isQuoted }) => isQuoted || !/[{}=;]/.test(text)),
    )
  }
  tokens.mark(';')
  return { module, options }
}

/** The sections of a file as java.security.auth.login.config names one: by name, the login modules of each. ConfigError with the line that cannot be read. */
export const parseJaasFile = (key: string, path: string, text: string): Map<string, JaasEntry[]> => {
  const tokens = new Tokens(key, path, text)
  const sections = new Map<string, JaasEntry[]>()
  while (!tokens.isAtEnd) {
    const name = tokens.take('the name of a section')
    const entries: JaasEntry[] = []
    tokens.mark('{')
    while (!tokens.isNext('}')) entries.push(readEntry(tokens))
    tokens.mark('}')
    tokens.mark(';')
    sections.set(name, entries)
  }
  return sections
}
