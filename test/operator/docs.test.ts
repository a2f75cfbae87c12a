import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REASONS } from '../../src/operator/reasons.ts'

const reasons = Object.keys(REASONS).sort()

/** The first cells of the table of reasons, and the sentence about events behind it. */
const documented = (): string[] => {
  const text = readFileSync('docs/operator.md', 'utf8')
  const [, table = '', events = ''] = /\| reason \| what it means \|\n\|---\|---\|\n((?:\|.*\n)+)\nEvents have also (.*)\n/.exec(text) ?? []
  const cells = [...table.matchAll(/^\| ([A-Za-z, ]+) \|/gm)].flatMap(([, cell]) => cell!.split(', '))
  return [...cells, ...[...events.matchAll(/`([A-Za-z]+)`/g)].map(([, name]) => name!)]
}

// That conditions and events have no other reasons is what their types say.
test('the reasons of the documentation are those of the code, each once', () => {
  expect(documented().sort()).toEqual(reasons)
})

test('every reason is used', () => {
  const files = readdirSync('src/operator', { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && name !== 'reasons.ts',
  )
  const text = files.map((name) => readFileSync(join('src/operator', name), 'utf8')).join('\n')
  expect(reasons.filter((reason) => !text.includes(`'${reason}'`))).toEqual([])
})
