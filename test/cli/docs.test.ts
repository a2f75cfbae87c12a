import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cliDocs } from '../../hack/gen/cli-docs.ts'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import { parse } from '../../src/cli/parse.ts'

test('docs/cli.md has the commands as they are', () => {
  for (const [path, text] of cliDocs()) expect(readFileSync(path, 'utf8')).toBe(text)
})

/** Words of a shell line, up to a redirection. */
const words = (line: string): string[] =>
  [...line.replace(/\s(?:<<<|<|>).*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)

test('every example is one that the program takes', () => {
  const examples = COMMANDS.flatMap((command) => command.examples ?? [])
  expect(examples.length).toBeGreaterThan(15)
  for (const example of examples) expect(parse(COMMANDS, words(example)), example).toHaveProperty('call')
})
