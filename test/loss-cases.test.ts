import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const rows = readFileSync('docs/loss-cases.md', 'utf8').split('\n')
/** `path` and then the names of tests in quotes, until the next path. */
const references = [...rows.join('\n').matchAll(/`(test\/[\w/.-]+\.ts)`((?:,? "[^"]*")+)/g)].map(([, path, names]) => ({
  path: path!,
  names: [...names!.matchAll(/"([^"]*)"/g)].map(([, name]) => name!),
}))
const unescaped = (source: string): string => source.replaceAll("\\'", "'").replaceAll('\\u2019', '\u2019')

test('every test that docs/loss-cases.md names is there', () => {
  expect(references.length).toBeGreaterThan(40)
  const missing = references.flatMap(({ path, names }) =>
    existsSync(path)
      ? names.filter((name) => !unescaped(readFileSync(path, 'utf8')).includes(name)).map((name) => `${path}: ${name}`)
      : [path],
  )
  expect(missing).toEqual([])
})

test('every case names a test', () => {
  const cases = rows.filter((row) => row.startsWith('| **'))
  expect(cases.length).toBeGreaterThan(19)
  expect(cases.filter((row) => !/`test\/[\w/.-]+\.ts` "/.test(row))).toEqual([])
})
