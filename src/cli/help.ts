import type { Command } from './command.ts'
import { lines } from './table.ts'

export const usageOf = ({ words, positionals = [] }: Command): string =>
  [...words, ...positionals.map(({ name, isOptional }) => (isOptional ? `[${name}]` : name))].join(' ')

export const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'it failed, or was refused; the text says why'],
  ['2', 'wrong arguments; the text says what to write instead'],
  ['3', 'something that was named is not there'],
  ['4', 'the API server or Kafka could not be reached, or did not answer in time'],
  ['5', 'status: something is not Ready'],
]

/** Lines of an option: its names, and what it does. */
export const optionRows = ({ options }: Command): (readonly [string, string])[] =>
  Object.entries(options).map(
    ([name, { short, value, summary }]) => [`${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`, summary] as const,
  )

const overview = (commands: readonly Command[], start: readonly string[], calledAs: string): string => {
  const rows = commands.map((command) => [usageOf(command), command.summary] as const)
  const head = start.length === 0 ? `${calledAs} COMMAND [OPTIONS]\n\n` : `${calledAs} ${start.join(' ')} COMMAND [OPTIONS]\n\n`
  const tail = `\n\`${calledAs} help COMMAND\` shows its options.\n`
  return `${head}${lines(rows, '  ')}${tail}${start.length === 0 ? `\nexit codes\n${lines(EXIT_CODES, '  ')}` : ''}`
}

const ofCommand = (command: Command, calledAs: string): string => {
  const { details, examples } = command
  const parts = [`${calledAs} ${usageOf(command)} [OPTIONS]\n`, `${command.summary}\n`]
  if (details) parts.push(`${details.join('\n')}\n`)
  parts.push(`options\n${lines(optionRows(command), '  ')}`)
  if (examples) parts.push(`examples\n${examples.map((example) => `  ${calledAs} ${example}\n`).join('')}`)
  return parts.join('\n')
}

/** Of one command, or of all that begin with the words. */
export const help = (commands: readonly Command[], words: readonly string[], calledAs: string): string => {
  const below = commands.filter((command) => words.every((word, index) => command.words[index] === word))
  const exact = below.find((command) => command.words.length === words.length)
  return exact ? ofCommand(exact, calledAs) : overview(below, words, calledAs)
}
