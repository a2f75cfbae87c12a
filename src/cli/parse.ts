import { parseArgs } from 'node:util'
import { Call, type Command, UsageError } from './command.ts'
import { nearest } from './nearest.ts'

/** A call, or the part of the tree of commands whose help was asked for. */
export type Parsed = { call: Call } | { help: readonly string[] }

const startsWith = (words: readonly string[], start: readonly string[]): boolean => start.every((word, index) => words[index] === word)

/** The command whose words stand first; undefined where they are only the beginning of some. */
const find = (
  commands: readonly Command[],
  args: readonly string[],
  programs: readonly string[],
): { command?: Command; words: readonly string[] } => {
  const end = args.findIndex((arg) => arg.startsWith('-'))
  const words = end === -1 ? args : args.slice(0, end)
  const found = commands.filter((command) => startsWith(words, command.words)).sort((a, b) => b.words.length - a.words.length)[0]
  if (found) return { command: found, words: found.words }
  for (let count = words.length; count > 0; count--) {
    const start = words.slice(0, count)
    const below = commands.filter((command) => startsWith(command.words, start))
    if (below.length === 0) continue
    if (count < words.length) throw unknown(start, words[count]!, [...new Set(below.map((command) => command.words[count]!))])
    return { words: start }
  }
  if (words.length > 0) throw unknown([], words[0]!, [...new Set([...commands.map((command) => command.words[0]!), ...programs])])
  return { words: [] }
}

const unknown = (start: readonly string[], word: string, choices: string[]): UsageError => {
  const guess = nearest(word, choices)
  const what = start.length === 0 ? `there is no program or command ${word}` : `there is no command ${[...start, word].join(' ')}`
  return new UsageError(`${what}; ${guess ? `did you mean ${[...start, guess].join(' ')}?` : `write one of ${choices.join(', ')}`}`)
}

const checkChoices = (call: Call): void => {
  for (const [name, { choices }] of Object.entries(call.command.options)) {
    for (const text of choices ? call.texts(name) : [])
      if (!choices!.includes(text)) throw new UsageError(`--${name} ${text}: write one of ${choices!.join(', ')}`)
  }
}

const wrongOption = (error: Error, command: Command): UsageError => {
  const option = /'(--?[^' ]+)/.exec(error.message)?.[1]
  const known = Object.keys(command.options).map((name) => `--${name}`)
  const guess = option && !known.includes(option) ? nearest(option, known) : undefined
  if (guess) return new UsageError(`${command.words.join(' ')} has no ${option}; did you mean ${guess}?`)
  return new UsageError((error.message.split('\n')[0] ?? error.message).replace(/\. To specify a positional.*$/, ''))
}

/** A value such as -100 or -15m would be taken for an option. */
const withNegativeValues = (args: readonly string[], { options }: Command): string[] => {
  const takesText = (arg: string): string | undefined =>
    Object.entries(options).find(([name, { type, short }]) => type === 'string' && (arg === `--${name}` || arg === `-${short}`))?.[0]
  const joined: string[] = []
  for (let at = 0; at < args.length; at++) {
    const name = takesText(args[at]!)
    if (name !== undefined && /^-\d/.test(args[at + 1] ?? '')) joined.push(`--${name}=${args[++at]}`)
    else joined.push(args[at]!)
  }
  return joined
}

/** Rejects with UsageError what no command takes. `programs` are what may be meant beside a command. */
export const parse = (commands: readonly Command[], args: readonly string[], programs: readonly string[] = []): Parsed => {
  if (args[0] === 'help') return { help: find(commands, args.slice(1), programs).words }
  const { command, words } = find(commands, args, programs)
  const isHelp = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  if (isHelp.includes('--help') || isHelp.includes('-h')) return { help: words }
  if (!command) {
    if (args.length > words.length) throw new UsageError(`write the command before ${args[words.length]}`)
    return { help: words }
  }
  let parsed
  try {
    const options = Object.fromEntries(
      Object.entries(command.options).map(([name, { type, short, multiple }]) => [
        name,
        { type, ...(short ? { short } : {}), ...(multiple ? { multiple } : {}) },
      ]),
    )
    parsed = parseArgs({ args: withNegativeValues(args.slice(words.length), command), options, allowPositionals: true, strict: true })
  } catch (error) {
    throw wrongOption(error as Error, command)
  }
  const { positionals = [] } = command
  if (parsed.positionals.length > positionals.length)
    throw new UsageError(
      `${command.words.join(' ')} takes ${positionals.length === 0 ? 'no names' : positionals.map(({ name }) => name).join(' ')}; ${parsed.positionals[positionals.length]} is too much`,
    )
  const call = new Call(command, parsed.positionals, parsed.values)
  positionals.forEach(({ isOptional }, index) => isOptional || call.needed(index))
  checkChoices(call)
  return { call }
}
