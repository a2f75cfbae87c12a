// Runs a script on Node.js 24 and installs first what this clone lacks. Plain JavaScript: it must run on Node.js 18.
//   node hack/bootstrap.mjs SCRIPT [ARGS]     SCRIPT is a path from the repository's root
//   node hack/bootstrap.mjs                   only installs
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node24 = join(root, 'hack', 'node24')
const WANTED_MAJOR = 24

/**
 * What the lock file says, without writing it: `npm ci` refuses a lock file that lacks the optional packages of other platforms, and a registry need not have
 * all of them.
 */
const npmInstall = (folder, what) => {
  process.stderr.write(`installing ${what} (once per clone) ...\n`)
  const npm = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (npm.status !== 0) {
    process.stderr.write(`npm install failed in ${folder}; check that the npm registry can be reached, then run the command again\n`)
    process.exit(npm.status ?? 1)
  }
}

/** npm writes node_modules/.package-lock.json last, so an interrupted install is repeated. */
const isInstalled = (folder) => {
  const marker = join(folder, 'node_modules', '.package-lock.json')
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
}

const nodeBinary = () => {
  if (Number(process.versions.node.split('.')[0]) >= WANTED_MAJOR) return process.execPath
  const binary = join(node24, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (!existsSync(binary)) npmInstall(node24, `Node.js ${WANTED_MAJOR}`)
  if (existsSync(binary)) return binary
  process.stderr.write(
    `npm has no Node.js ${WANTED_MAJOR} for ${process.platform}-${process.arch}: install Node.js ${WANTED_MAJOR} and run the command again\n`,
  )
  process.exit(1)
}

if (!isInstalled(root)) npmInstall(root, 'dependencies')
const node = nodeBinary()
const [script, ...args] = process.argv.slice(2)
if (script) {
  const env = {
    ...process.env,
    PATH: `${dirname(node)}:${process.env.PATH ?? ''}`,
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node-compile'),
  }
  const child = spawn(node, [join(root, script), ...args], { cwd: process.cwd(), stdio: 'inherit', env })
  // The terminal sends Ctrl-C to the whole group; the child decides what it means, this process only waits for it.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
}
