// Everything that must hold before a change lands: types, lint and format, generated files, tests. Stops at the first that does not.
import { spawnSync } from 'node:child_process'

const STEPS: [what: string, script: string, args: string[]][] = [
  ['types', 'node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json']],
  ['lint and format', 'hack/lint.ts', []],
  ['generated files', 'hack/gen.ts', ['--check']],
  ['tests', 'node_modules/vitest/vitest.mjs', ['run']],
]

const only = new Set(process.argv.slice(2))
for (const [what, script, args] of STEPS) {
  if (only.size > 0 && !only.has(what.split(' ')[0]!)) continue
  process.stderr.write(`== ${what}\n`)
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' })
  if (status !== 0) {
    process.stderr.write(`${what}: failed\n`)
    process.exit(status ?? 1)
  }
}
