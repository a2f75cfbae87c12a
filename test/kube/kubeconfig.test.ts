import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { connectionOfKubeconfig, contextsOf } from '../../src/kube/kubeconfig.ts'

const folder = mkdtempSync(join(tmpdir(), 'sofakafka-kubeconfig-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const write = (name: string, text: string): string => {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

describe('several kubeconfig files', () => {
  write('b/token', 'from-b\n')
  const a = write(
    'a/config',
    `{current-context: one, contexts: [{name: one, context: {cluster: c, user: u, namespace: n}}], clusters: [{name: c, cluster: {server: 'https://a:1'}}]}`,
  )
  const b = write(
    'b/config',
    `{current-context: two, contexts: [{name: two, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: 'https://b:1'}}], users: [{name: u, user: {tokenFile: token}}]}`,
  )

  test('are read as one: the earlier wins, and paths are relative to the file that they stand in', async () => {
    const connection = await connectionOfKubeconfig([a, b])
    expect(connection).toMatchObject({ server: 'https://a:1', namespace: 'n' })
    expect(await connection.authorization()).toBe('Bearer from-b')
    expect(await connectionOfKubeconfig([a, b], 'two')).toMatchObject({ server: 'https://a:1', namespace: 'default' })
    expect(await connectionOfKubeconfig(b)).toMatchObject({ server: 'https://b:1' })
    expect(await contextsOf([a, b])).toEqual(['one', 'two'])
  })

  test('a context that no file has', async () => {
    await expect(connectionOfKubeconfig([a, b], 'three')).rejects.toThrow("has no context 'three'")
  })
})

test('a login by a program is asked for its token', async () => {
  const program = JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'made' } })
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/echo', args: [program], interactiveMode: 'Never' }
  const config = {
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://a:1' } }],
    users: [{ name: 'u', user: { exec } }],
  }
  const connection = await connectionOfKubeconfig(write('exec', JSON.stringify(config)))
  expect(await connection.authorization()).toBe('Bearer made')
})
