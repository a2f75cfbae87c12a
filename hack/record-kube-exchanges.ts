// Records what a real Kubernetes API server answers to the steps of test/support/kube-exchanges.ts, into test/golden/kube/exchanges.json.
// Usage: node hack/record-kube-exchanges.ts DIRECTORY-OF-KUBE_LAB'S-UP
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { labTarget } from '../test/support/kube-lab.ts'
import { awaitServiceAccount, play, prepare, steps } from '../test/support/kube-exchanges.ts'

const target = labTarget(process.argv[2] ?? '/tmp/kube-test')
await prepare(target)
await awaitServiceAccount(target)
const answers = await play(target, steps)
writeFileSync(join('test', 'golden', 'kube', 'exchanges.json'), `${JSON.stringify(answers, null, 1)}\n`)
console.log(`${answers.length} exchanges recorded`)
