// Lint with type information, and the formatter's check; --fix mends what can be mended.
import { spawnSync } from 'node:child_process'

const fix = process.argv.includes('--fix')
const run = (script: string, args: string[]): number => spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' }).status ?? 1

const folders = ['src', 'test', 'hack'].filter((folder) => process.argv.length <= (fix ? 3 : 2) || process.argv.includes(folder))
const paths = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const scope = paths.length > 0 ? paths : folders
const linted = run('node_modules/oxlint/bin/oxlint', ['--type-aware', '--deny-warnings', ...(fix ? ['--fix'] : []), ...scope])
const formatted = run('node_modules/oxfmt/bin/oxfmt', [...(fix ? [] : ['--check']), ...scope])
process.exit(linted || formatted)
