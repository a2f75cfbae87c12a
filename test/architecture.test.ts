import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { circlesOf } from './support/circles.ts'
import { SLOWEST } from './support/slowest.ts'

/** Who may import whom (docs/design.md). Think hard about the layering before you add a name. */
const MAY_IMPORT: Record<string, string[]> = {
  base: ['pino'],
  protocol: ['base'],
  security: ['base'],
  cell: ['base'],
  zookeeper: ['base'],
  kube: ['base', '@kubernetes/client-node', 'yaml'],
  api: ['base'],
  log: ['base', 'protocol', '@node-rs/crc32', 'lz4-napi', 'snappy'],
  client: ['base', 'protocol', 'security'],
  sdk: ['base', 'cell', 'kafkajs'],
  broker: ['base', 'protocol', 'log', 'client', 'security', 'cell', 'zookeeper'],
  'embedded-zookeeper': ['base', 'zookeeper'],
  operator: ['base', 'api', 'kube', 'client', 'security', 'cell', 'zookeeper', 'yaml'],
  router: ['base', 'protocol', 'client', 'cell', 'sdk', 'kafkajs'],
  console: ['base', 'api', 'kube', 'client', 'cell', 'sdk'],
  cli: ['base', 'api', 'kube', 'client', 'cell', 'sdk', 'yaml'],
  local: ['base', 'api', 'kube', 'security', 'yaml', '@marcbachmann/cel-js'],
}
/** protocol's record batches need CRC-32C and the codecs; the table of the design speaks of folders, this list of npm packages. */
const PACKAGES: Record<string, string[]> = { protocol: ['@node-rs/crc32', 'lz4-napi', 'snappy'] }

const folderOf = (path: string): string => relative('src', path).split('/')[0]!
const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file))
const inFolders = files.filter((file) => relative('src', file).includes('/'))

const IMPORTS = [/^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*'([^']+)'/gm, /^\s*import\s*'([^']+)'/gm, /\bimport\(\s*'([^']+)'/g]
const importsOf = (file: string): string[] => {
  const text = readFileSync(file, 'utf8')
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!))
}

/** A relative import counts as its folder, a package as its name; Node's own modules are free. */
const namesOf = (file: string): string[] =>
  importsOf(file)
    .filter((specifier) => !specifier.startsWith('node:'))
    .map((specifier) => {
      if (specifier.startsWith('.')) return folderOf(join(dirname(file), specifier))
      return specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
    })

test.each(inFolders)('%s imports only what its folder may', (file) => {
  const folder = folderOf(file)
  const may = [folder, ...(MAY_IMPORT[folder] ?? []), ...(PACKAGES[folder] ?? [])]
  expect(namesOf(file).filter((name) => !may.includes(name))).toEqual([])
})

test('a forbidden import would be seen', () => {
  expect(MAY_IMPORT['protocol']).not.toContain('broker')
  expect(namesOf('src/base/logger.ts')).toContain('pino')
})

test.each(files.filter((file) => file !== 'src/main.ts'))('%s leaves process.env to main', (file) => {
  expect(readFileSync(file, 'utf8')).not.toMatch(/process\.env\b/)
})

test.each(files)('%s names no module by a path that only this repository has', (file) => {
  expect(importsOf(file).filter((specifier) => specifier.includes('/test/') || specifier.includes('/hack/'))).toEqual([])
})

test('no files import one another in a circle, types among them', () => {
  const own = (file: string) => importsOf(file).flatMap((name) => (name.startsWith('.') ? [join(dirname(file), name)] : []))
  expect(circlesOf(new Map(files.map((file) => [file, own(file)])))).toEqual([])
})

test('a circle would be seen', () => {
  const graph = { a: ['b', 'd'], b: ['c'], c: ['a'], d: ['d'], e: ['a'] }
  expect(circlesOf(new Map(Object.entries(graph)))).toEqual([
    ['a', 'b', 'c', 'a'],
    ['d', 'd'],
  ])
})

test('every test file that is to start first is there', () => {
  expect(SLOWEST.filter((file) => !existsSync(file))).toEqual([])
  expect(new Set(SLOWEST).size).toBe(SLOWEST.length)
})
