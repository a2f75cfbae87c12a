import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { operatorOptions } from '../../src/operator/arguments.ts'

const directory = mkdtempSync(join(tmpdir(), 'sofakafka-operator-'))
afterAll(() => rmSync(directory, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text)
  return join(directory, name)
}
const options = (args: string[], env: Record<string, string> = {}) =>
  operatorOptions({ args, env, clocks: { monotonic: monotonicClock, wall: wallClock }, logger: silentLogger })

const kubeconfig = (user: string, cluster = '') =>
  `apiVersion: v1
kind: Config
current-context: test
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1", certificate-authority: ca.crt${cluster}}}]
users: [{name: u, user: ${user}}]
contexts: [{name: test, context: {cluster: c, user: u, namespace: team}}]
`

describe('where Kubernetes is', () => {
  test('a kubeconfig: its paths are relative to it, its context has the namespace', async () => {
    file('ca.crt', 'authority')
    const path = file('kubeconfig', kubeconfig('{token: abc}'))
    const { connection, namespace } = await options(['--image', 'i', '--kubeconfig', path])
    expect(connection.server).toBe('https://127.0.0.1:1')
    expect(connection.tls.ca?.toString()).toBe('authority')
    expect(await connection.authorization()).toBe('Bearer abc')
    expect(namespace).toBe('team')
    expect((await options(['--image', 'i'], { KUBECONFIG: path })).connection.server).toBe('https://127.0.0.1:1')
  })

  test('a token file is read again for each request', async () => {
    const path = file('with-file', kubeconfig('{tokenFile: token}'))
    file('token', 'one\n')
    const { connection } = await options(['--image', 'i', '--kubeconfig', path])
    expect(await connection.authorization()).toBe('Bearer one')
    file('token', 'two\n')
    expect(await connection.authorization()).toBe('Bearer two')
  })

  test('a login by a program is asked for its token', async () => {
    const credential = JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'made' } })
    const exec = `{exec: {apiVersion: client.authentication.k8s.io/v1, command: echo, args: ['${credential}'], interactiveMode: Never}}`
    const { connection } = await options(['--image', 'i', '--kubeconfig', file('with-exec', kubeconfig(exec))])
    expect(await connection.authorization()).toBe('Bearer made')
  })

  test("the pod's own account, from wherever its files are", async () => {
    file('ca.crt', 'authority')
    file('token', 'three')
    file('namespace', 'system')
    const env = {
      KUBERNETES_SERVICE_HOST: '::1',
      KUBERNETES_SERVICE_PORT: '443',
      SOFAKAFKA_SERVICE_ACCOUNT_DIR: directory,
      SOFAKAFKA_IMAGE: 'r/sofakafka:1',
    }
    const made = await options([], { ...env, POD_NAME: 'operator-0' })
    expect(made.connection.server).toBe('https://[::1]:443')
    expect(await made.connection.authorization()).toBe('Bearer three')
    expect(made).toMatchObject({
      image: 'r/sofakafka:1',
      namespace: 'system',
      identity: 'operator-0',
      advertise: 'pod-dns',
      httpPort: 8080,
      hasLeaderElection: true,
    })
  })
})

test('what is wrong is said with what to write instead', async () => {
  const path = file('good', kubeconfig('{token: abc}'))
  await expect(options(['--image', 'i'])).rejects.toThrow('give --kubeconfig FILE')
  await expect(options(['--kubeconfig', path])).rejects.toThrow('--image IMAGE, or SOFAKAFKA_IMAGE')
  await expect(options(['--advertise', 'dns', '--image', 'i'])).rejects.toThrow('write pod-dns or pod-ip')
  await expect(options(['--http-port', 'x', '--image', 'i'])).rejects.toThrow('a number from 0 to 65535')
  await expect(options(['--colour'])).rejects.toThrow('sofakafka operator [--image IMAGE]')
  const proxied = file('proxied', kubeconfig('{token: a}', ', proxy-url: "http://p"'))
  await expect(options(['--image', 'i', '--kubeconfig', proxied])).rejects.toThrow('proxy-url, which is not supported')
  await expect(options(['--image', 'i', '--kubeconfig', file('empty', 'kind: Config\n')])).rejects.toThrow("has no context ''")
})

test('network policies are made only where they are asked for, and let in the pods of the chart', async () => {
  const path = file('policies', kubeconfig('{token: abc}'))
  const common = ['--image', 'i', '--kubeconfig', path]
  expect((await options(common)).operatorPods).toBeUndefined()
  const labels = { 'app.kubernetes.io/name': 'sofakafka-operator' }
  expect((await options([...common, '--network-policies'], { POD_NAMESPACE: 'ops' })).operatorPods).toEqual({ namespace: 'ops', labels })
})
