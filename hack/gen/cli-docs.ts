// The part of docs/cli.md that lists the commands, from the commands themselves.
import { existsSync, readFileSync } from 'node:fs'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import { CLUSTER, KUBE, LOGIN } from '../../src/cli/commands/options.ts'
import type { Command } from '../../src/cli/command.ts'
import { EXIT_CODES, optionRows, usageOf } from '../../src/cli/help.ts'

const PATH = 'docs/cli.md'
const MARK = '<!-- From here on written by npm run gen. -->\n'

const cell = (text: string): string => text.replaceAll('|', '\\|')
const rows = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.map(([first, second]) => `| \`${first}\` | ${cell(second)} |\n`).join('')
const table = (head: readonly [string, string], pairs: readonly (readonly [string, string])[]): string =>
  pairs.length === 0 ? '' : `| ${head[0]} | ${head[1]} |\n|---|---|\n${rows(pairs)}`

/** Options that stand once, above all commands. */
const SHARED = { ...KUBE, ...LOGIN, ...CLUSTER }
const own = (command: Command): Command => ({
  ...command,
  options: Object.fromEntries(Object.entries(command.options).filter(([name, option]) => SHARED[name]?.summary !== option.summary)),
})

const section = (command: Command): string => {
  const { details, examples, summary } = command
  const parts = [`### ${usageOf(command)}\n`, `${summary[0]!.toUpperCase()}${summary.slice(1)}.\n`]
  if (details) parts.push(`${details.join('\n')}\n`)
  const options = table(['option', 'what it does'], optionRows(own(command)))
  if (options) parts.push(options)
  if (examples) parts.push(`\`\`\`sh\n${examples.map((example) => `kubectl sofakafka ${example}\n`).join('')}\`\`\`\n`)
  return parts.join('\n')
}

const reference = (): string =>
  [
    '## Options of all commands\n',
    `Those about logging in (\`--cluster\`, \`--user\`, \`--connect\`) stand where a command needs them; \`kubectl sofakafka help COMMAND\` shows it.\n`,
    table(
      ['option', 'what it does'],
      optionRows({ words: [], summary: '', options: SHARED, load: () => Promise.reject(new Error('not a command')) }),
    ),
    '## Exit codes\n',
    table(['code', 'when'], EXIT_CODES),
    '## Commands\n',
    ...COMMANDS.map(section),
  ].join('\n')

export const cliDocs = (): [path: string, text: string][] => {
  const text = existsSync(PATH) ? readFileSync(PATH, 'utf8') : ''
  const at = text.indexOf(MARK)
  if (at === -1) throw new Error(`${PATH} has lost the line ${MARK}`)
  return [[PATH, `${text.slice(0, at)}${MARK}\n${reference()}`]]
}
