import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const main = (...args: string[]) => spawnSync(process.execPath, ['src/main.ts', ...args], { encoding: 'utf8', timeout: 20_000 })

describe('arguments', () => {
  test.each([
    [['brocker'], 'there is no program or command brocker; did you mean broker?'],
    [['zookeeper'], 'write the path of one zoo.cfg file'],
    [['zookeeper', 'a', 'b'], 'write the path of one zoo.cfg file'],
    [['broker', '--overide', 'x=y'], "Unknown option '--overide'\n`sofakafka help broker` shows"],
    [['broker', '/nowhere/server.properties'], '/nowhere/server.properties'],
    [['local', '--port', 'x'], '--port x: write a number'],
    [['local', '-o', 'yaml'], 'write -o json'],
    [['operator', '--advertise=dns'], 'write pod-dns or pod-ip'],
  ])('%j: exit 2 and what to write instead', (args, words) => {
    const { status, stdout, stderr } = main(...args)
    expect(stderr).toContain(words)
    expect(status).toBe(2)
    expect(stdout).toBe('')
  })

  test('help and version are answers, not errors', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(main('version')).toMatchObject({ status: 0, stdout: `${version}\n` })
    expect(main('help')).toMatchObject({ status: 0, stderr: '' })
    expect(main('help').stdout).toContain('broker     SERVER.PROPERTIES')
    expect(main('broker', '--version')).toMatchObject({ status: 0, stdout: `${version}\n` })
  })

  test.each([
    [['broker', '--help'], '--override KEY=VALUE'],
    [['zookeeper', '-h'], 'ZOO.CFG'],
    [['operator', '--help'], '--network-policies'],
    [['help', 'local'], '--data-dir DIR'],
  ])('%j shows what the program takes', (args, words) => {
    const { status, stdout, stderr } = main(...args)
    expect(stdout).toContain(words)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

/** The files that a module and what it imports at once would load; dynamic imports count only where `follow` names them. */
const loadedBy = (entry: string): string => {
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve: (specifier, context, next) => { const found = next(specifier, context); seen.push(found.url); return found } })
    await import(${JSON.stringify(entry)})
    console.log(seen.join('\\n'))
    process.exit(0)`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    cwd: process.cwd(),
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
}

describe('what is loaded', () => {
  const entries = [`file://${process.cwd()}/src/broker/program.ts`, `file://${process.cwd()}/src/broker/cluster/connection.ts`]
  test.each(entries)('%s loads neither the Kubernetes client nor kafkajs', (entry) => {
    const loaded = loadedBy(entry)
    expect(loaded).toContain('src/broker/')
    expect(loaded).not.toContain('@kubernetes/client-node')
    expect(loaded).not.toContain('kafkajs')
    expect(loaded).not.toMatch(/src\/(operator|local|kube)\//)
  })

  test('main itself loads no program and no package', () => {
    const source = readFileSync('src/main.ts', 'utf8')
    const eager = [...source.matchAll(/^import (?!type)[^'\n]*'([^']+)'/gm)].map((match) => match[1]!)
    expect(eager.filter((name) => !name.startsWith('node:'))).toEqual(['./base/clock.ts'])
  })
})
