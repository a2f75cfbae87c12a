import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from './support/net.ts'

const run = promisify(execFile)

describe('the packed package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sofakafka-package-'))
  let installed: string

  beforeAll(async () => {
    await run('npm', ['pack', '--pack-destination', folder, '--silent'], { maxBuffer: 16 * 1024 * 1024 })
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!
    writeFileSync(join(folder, 'package.json'), '{"name":"somebody","private":true,"type":"module"}')
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--silent', join(folder, tarball)], {
      cwd: folder,
      maxBuffer: 16 * 1024 * 1024,
    })
    installed = join(folder, 'node_modules', 'sofakafka')
  }, 240_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('holds JavaScript and types, and no sources', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((name) => !name.startsWith('node_modules'))
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/main.js',
        'dist/index.js',
        'dist/index.d.ts',
        'crds/clusters.yaml',
        'examples/quickstart.yaml',
        'LICENSE',
        'README.md',
      ]),
    )
    expect(files.filter((name) => /(?<!\.d)\.ts$/.test(name))).toEqual([])
  })

  test('is a library from which a broker starts, and a program', async () => {
    const port = await freePort()
    writeFileSync(join(folder, 'zoo.cfg'), `tickTime=500\ndataDir=${folder}/zk\nclientPort=${port}\nclientPortAddress=127.0.0.1\n`)
    writeFileSync(
      join(folder, 'start.mjs'),
      `import { startBroker, startZooKeeper } from 'sofakafka'
       const zookeeper = await startZooKeeper({ configPath: ${JSON.stringify(join(folder, 'zoo.cfg'))} })
       const broker = await startBroker({ properties: 'broker.id=7\\nlisteners=PLAINTEXT://127.0.0.1:0\\nlog.dirs=${folder}/logs\\nzookeeper.connect=' + zookeeper.connect })
       const port = broker.ports.get('PLAINTEXT')
       console.log(JSON.stringify({ id: broker.brokerId, isBound: port > 0 }))
       const code = await broker.stop()
       await zookeeper.stop()
       console.log(JSON.stringify({ code }))
       process.exit(0)`,
    )
    const { stdout } = await run(process.execPath, ['start.mjs'], { cwd: folder, timeout: 30_000 })
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([{ id: 7, isBound: true }, { code: 0 }])
    const { stdout: version } = await run(process.execPath, [join(installed, 'dist', 'main.js'), 'version'])
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
