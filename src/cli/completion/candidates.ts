import type { Command, Completes, Option } from '../command.ts'

export type Candidate = { text: string; about: string }
/** What may stand where the cursor is: words that are known, names that must be asked for, or files. */
export type Wanted =
  | { kind: 'words'; candidates: Candidate[] }
  | { kind: 'names'; of: Completes; command: Command; words: readonly string[] }
  | { kind: 'files' }

const words = (candidates: Candidate[]): Wanted => ({ kind: 'words', candidates })
const isOption = (word: string): boolean => word.startsWith('-')

const optionOf = (command: Command, word: string): Option | undefined =>
  Object.entries(command.options).find(([name, { short }]) => word === `--${name}` || (short !== undefined && word === `-${short}`))?.[1]

const commandOf = (commands: readonly Command[], before: readonly string[]): Command | undefined =>
  commands
    .filter((command) => command.words.every((word, index) => before[index] === word))
    .sort((a, b) => b.words.length - a.words.length)[0]

/** The words that may come after those that are there. */
const nextWords = (commands: readonly Command[], before: readonly string[]): Candidate[] => {
  const below = commands.filter(
    (command) => command.words.length > before.length && before.every((word, index) => command.words[index] === word),
  )
  const about = new Map<string, string>()
  for (const command of below) {
    const word = command.words[before.length]!
    const rest = below.filter((other) => other.words[before.length] === word)
    about.set(word, rest.length === 1 ? command.summary : rest.map((other) => other.words.slice(before.length + 1).join(' ')).join(', '))
  }
  return [...about].map(([text, what]) => ({ text, about: what }))
}

const valueOf = (option: Option, command: Command, before: readonly string[]): Wanted => {
  if (option.choices) return words(option.choices.map((text) => ({ text, about: '' })))
  if (option.completes === 'file') return { kind: 'files' }
  return option.completes ? { kind: 'names', of: option.completes, command, words: before } : words([])
}

/** How many names stand among the words, and not as values of options. */
const namesAmong = (command: Command, after: readonly string[]): number => {
  let count = 0
  for (let at = 0; at < after.length; at++) {
    if (!isOption(after[at]!)) count++
    else if (optionOf(command, after[at]!)?.type === 'string') at++
  }
  return count
}

/** `typed`: everything after the program's name; the last word is the one that is begun. Pure. */
export const wantedAt = (commands: readonly Command[], typed: readonly string[]): Wanted => {
  const before = typed.slice(0, -1)
  const begun = typed.at(-1) ?? ''
  const command = commandOf(commands, before)
  if (!command) return words(nextWords(commands, before))
  const previous = before.at(-1) ?? ''
  const option = isOption(previous) ? optionOf(command, previous) : undefined
  if (option?.type === 'string') return valueOf(option, command, before)
  if (isOption(begun)) {
    const [name, value] = begun.split('=')
    const whole = value === undefined ? undefined : optionOf(command, name!)
    if (whole) return valueOf(whole, command, before)
    return words(Object.entries(command.options).map(([text, { summary }]) => ({ text: `--${text}`, about: summary })))
  }
  const positional = command.positionals?.[namesAmong(command, before.slice(command.words.length))]
  return positional?.completes ? { kind: 'names', of: positional.completes, command, words: before } : words([])
}
