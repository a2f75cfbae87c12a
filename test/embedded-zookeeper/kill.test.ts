import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'
import { freePort } from '../support/net.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

const startProcess = async (configPath: string) => {
  const child = spawn(process.execPath, [new URL('./server-process.ts', import.meta.url).pathname, configPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(([code]) => Promise.reject(new Error(`ended with ${code}`)))])
  return child
}

test('a server killed in the middle of its work has every answered write, and its clients go on in their sessions', async () => {
  const directory = temporaryDirectory('kill')
  const configPath = join(directory, 'zoo.cfg')
  const port = await freePort()
  writeFileSync(configPath, `dataDir=${join(directory, 'data')}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nsnapCount=150\n`)
  let server = await startProcess(configPath)
  const client = await zooKeeperAt(port, { sessionTimeoutMs: 20_000 })
  try {
    const { sessionId } = client
    await client.create('/mine', null, { mode: 'ephemeral' })
    const answered: string[] = []
    let lost = 0
    for (let round = 0; round < 4; round++) {
      const writing = Array.from({ length: 300 }, async (_none, index) => {
        try {
          answered.push(await client.create(`/n-${round}-${index}`, Buffer.from('x')))
        } catch (error) {
          expect(error).toMatchObject({ error: 'CONNECTION_LOSS' })
          lost++
        }
      })
      // In the first rounds the kill comes early or in the middle, in the last after the end.
      const moment = round === 3 ? Promise.all(writing) : new Promise((resolve) => setTimeout(resolve, round * 15))
      await Promise.race([Promise.all(writing), moment])
      const exited = once(server, 'exit')
      server.kill('SIGKILL')
      await exited
      server = await startProcess(configPath)
      await Promise.all(writing)
    }
    const { children } = await client.children('/')
    expect(children).toEqual(expect.arrayContaining(answered.map((path) => path.slice(1))))
    expect(client.sessionId).toBe(sessionId)
    expect((await client.exists('/mine'))!.ephemeralOwner).toBe(sessionId)
    expect(answered.length).toBeGreaterThan(100)
    expect(lost).toBeGreaterThan(0)
    await client.close()
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  } finally {
    server.kill('SIGKILL')
    removeDirectory(directory)
  }
})
