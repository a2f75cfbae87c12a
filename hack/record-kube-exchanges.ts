// Records what a real Kubernetes API server answers to the steps of test/support/kube-exchanges.ts, and what kubectl prints with it for the commands of
// test/support/kubectl-exchanges.ts, into test/golden/kube.
// Usage: node hack/record-kube-exchanges.ts DIRECTORY-OF-KUBE_LAB'S-UP
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { labTarget } from '../test/support/kube-lab.ts'
import { awaitServiceAccount, play, prepare, steps } from '../test/support/kube-exchanges.ts'
import { playKubectl } from '../test/support/kubectl-exchanges.ts'

const directory = process.argv[2] ?? '/tmp/kube-test'
const golden = (name: string, value: unknown): void =>
  writeFileSync(join('test', 'golden', 'kube', name), `${JSON.stringify(value, null, 1)}\n`)
const target = labTarget(directory)
await prepare(target)
await awaitServiceAccount(target)
golden('exchanges.json', await play(target, steps))
await prepare(target)
await awaitServiceAccount(target)
golden('kubectl.json', await playKubectl(join(directory, 'kubeconfig'), join(directory, 'kubectl-home')))
