import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { call } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'sofakafka-start-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
for (const name of ['sofakafka', 'kubectl-sofakafka', 'kubectl_complete-sofakafka'])
  symlinkSync(resolve('src', 'main.ts'), join(folder, name))
const env = { ...process.env, PATH: [folder, dirname(process.execPath), process.env['PATH']].join(delimiter), KUBECONFIG: '/nowhere' }
const run = (name: string, ...args: string[]) => spawnSync(name, args, { env, encoding: 'utf8', timeout: 20_000 })

/** What a module and what it imports would load. */
const loadedBy = (script: string): string[] => {
  const hooks = `import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve: (specifier, context, next) => { const found = next(specifier, context); seen.push(found.url); return found } })
    ${script}
    console.error(seen.join('\\n'))
    process.exit(0)`
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', hooks], { encoding: 'utf8' })
  expect(status).toBe(0)
  return stderr.split('\n')
}

describe('what waits for a user', () => {
  const isHeavy = (url: string): boolean => /node_modules|src\/(kube|client|protocol|security|api)\//.test(url)

  test('help, completion of words and wrong arguments load no client and no package', () => {
    const session = `{ io: { out: async () => {}, err: () => {} }, calledAs: 'sofakafka', programs: [] }`
    const calls = [['help'], ['consume', '--help'], ['__complete', 'topic', ''], ['topc'], ['completion', 'bash']]
    const loaded = loadedBy(`const { runCli } = await import('file://${process.cwd()}/src/cli/program.ts')
      for (const args of ${JSON.stringify(calls)}) await runCli(args, ${session})`)
    expect(loaded.some((url) => url.includes('src/cli/completion/complete.ts'))).toBe(true)
    expect(loaded.filter(isHeavy)).toEqual([])
  })

  test('no command loads @kubernetes/client-node or kafkajs unless a kubeconfig logs in by a program', () => {
    const loaded = loadedBy(`const { COMMANDS } = await import('file://${process.cwd()}/src/cli/commands/index.ts')
      for (const command of COMMANDS) await command.load()
      await import('file://${process.cwd()}/src/cli/completion/ask.ts')`)
    expect(loaded.some((url) => url.includes('src/client/'))).toBe(true)
    expect(loaded.filter((url) => /client-node|kafkajs/.test(url))).toEqual([])
  })

  test('it is called by three names', () => {
    const startMs = performance.now()
    expect(run('sofakafka', 'help').stdout).toContain('sofakafka PROGRAM [ARGUMENTS]')
    console.info(`sofakafka help: ${Math.round(performance.now() - startMs)} ms`)
    const plugin = run('kubectl-sofakafka', '--help')
    expect(plugin.stdout).toMatch(/^kubectl sofakafka COMMAND/)
    expect(plugin.stdout).not.toContain('zoo.cfg')
    expect(run('kubectl-sofakafka', 'topc').stderr).toContain('kubectl sofakafka: there is no program or command topc; did you mean topic?')
    expect(run('kubectl_complete-sofakafka', 'group', 'd').stdout).toMatch(/^describe\t.*\ndelete\t.*\n:4\n$/)
    expect(run('sofakafka', 'topic', 'list')).toMatchObject({ status: 2, stdout: '' })
  })
})

test('bash completes words with the script', async () => {
  const { out } = await call(['completion', 'bash'])
  const complete = (words: string): string => {
    const script = `${out}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _sofakafka; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { env, encoding: 'utf8' })
    expect(stderr).toBe('')
    return stdout
  }
  expect(complete('sofakafka group re')).toBe('reset\n')
  expect(complete("sofakafka topic list -o ''")).toBe('json\nyaml\nwide\nname\n')
})
