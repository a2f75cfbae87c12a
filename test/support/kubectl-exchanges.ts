import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** One kubectl command of the contract between the local API server and a real one. */
export type Command = { args: string; input?: string }
export type Output = { args: string; code: number; out: string; err: string }

const MANIFEST = `apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: contract, labels: {app: x}}
data: {k: v}
---
apiVersion: v1
kind: Service
metadata: {name: s, namespace: contract}
spec: {clusterIP: None, selector: {app: x}, ports: [{name: kafka, port: 9092}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ss, namespace: contract}
spec:
  replicas: 0
  serviceName: s
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: c, image: "i:1"}]}
`
const WIDGET = `apiVersion: example.sofakafka.io/v1
kind: Widget
metadata: {name: w, namespace: contract}
spec: {owner: me, parts: [{name: a, count: 1}]}
`

export const commands: readonly Command[] = [
  { args: 'apply -f -', input: MANIFEST },
  { args: 'apply -f -', input: MANIFEST.replace('{k: v}', '{k: w, l: m}') },
  { args: 'apply -f -', input: MANIFEST.replace('{k: v}', '{k: w}') },
  { args: 'get configmap a -o jsonpath={.data}' },
  { args: 'diff -f -', input: MANIFEST.replace('{k: v}', '{k: w}') },
  { args: 'apply --server-side --field-manager=one -f -', input: WIDGET },
  { args: 'apply --server-side --field-manager=two -f -', input: WIDGET.replace('count: 1', 'count: 2') },
  { args: 'apply --server-side --field-manager=two --force-conflicts -f -', input: WIDGET.replace('count: 1', 'count: 2') },
  { args: 'apply -f -', input: WIDGET.replace('owner: me', 'owner: you') },
  { args: 'apply -f -', input: WIDGET.replace('owner: me', 'owner: me, unknown: 1') },
  { args: 'create -f -', input: WIDGET },
  { args: 'get wd' },
  { args: 'get wd -o wide' },
  { args: 'get widgets w -o jsonpath={.spec}' },
  { args: 'get sofakafka -o name' },
  { args: 'get wd w --subresource=status -o jsonpath={.kind}' },
  { args: `patch wd w --subresource=status --type=merge -p {"status":{"conditions":[{"type":"Ready","status":"True"}]}}` },
  { args: 'wait --for=condition=Ready wd/w --timeout=5s' },
  { args: 'wait --for=condition=Other wd/w --timeout=1s' },
  { args: 'scale wd w --replicas=5' },
  { args: 'scale statefulset ss --replicas=0' },
  { args: 'label configmap a colour=red' },
  { args: 'label configmap a colour=blue' },
  { args: 'label configmap a colour=blue --overwrite' },
  { args: 'label configmap a colour-' },
  { args: 'annotate configmap a note=b' },
  { args: 'patch configmap a -p {"data":{"n":"1"}}' },
  { args: 'patch configmap a --type=merge -p {"data":{"n":null}}' },
  { args: 'patch configmap a --type=json -p [{"op":"remove","path":"/data/zz"}]' },
  { args: 'patch statefulset ss -p {"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i:2"}]}}}}' },
  { args: 'set image statefulset/ss c=i:3' },
  { args: 'get statefulset ss -o jsonpath={.spec.template.spec.containers[0].image}' },
  { args: 'get configmaps -l app=x -o name' },
  { args: 'get configmaps --field-selector metadata.name=a -o name' },
  { args: 'get all -o name' },
  { args: 'get service s -o wide' },
  { args: 'get configmap nope' },
  { args: 'get nonsense' },
  { args: 'describe wd w' },
  { args: 'describe configmap a' },
  { args: 'replace -f -', input: WIDGET.replace('count: 1', 'count: 3') },
  { args: 'api-resources --api-group=example.sofakafka.io' },
  { args: 'explain widgets.spec.parts --api-version=example.sofakafka.io/v1' },
  { args: 'auth can-i create pods' },
  { args: 'create configmap typed --from-literal=a=b' },
  { args: 'create secret generic typed --from-literal=a=b' },
  { args: 'create serviceaccount typed' },
  { args: 'get secret typed -o jsonpath={.data}' },
  { args: 'delete wd w' },
  { args: 'delete statefulset,service --all' },
  { args: 'delete configmap nope' },
]

/** What runs and clocks make different becomes a word. */
const normalised = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>')
    .replace(/patch: Invalid value: .*$/gms, 'patch: Invalid value: <patched object>')
    .replace(/(Resource Version:\s+)\d+/g, '$1<rv>')
    .replace(/resourceVersion: "\d+"/g, 'resourceVersion: "<rv>"')
    .replace(/\b(\d+m)?\d+s\b/g, '<age>')
    .replace(/(\S) {2,}/g, '$1  ')
    .replace(/ +$/gm, '')
    .replace(/\s+Time: .*$/gm, '')

export const runKubectl = (kubeconfig: string, home: string, command: Command): Promise<Output> =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: kubeconfig }
    const child = execFile('kubectl', ['--namespace=contract', ...command.args.split(' ')], { env, timeout: 30_000 }, (error, out, err) => {
      const code = error ? Number(error.code ?? 1) : 0
      resolve({ args: command.args, code, out: normalised(out), err: normalised(err) })
    })
    child.stdin!.end(command.input ?? '')
  })

/** Runs all commands in order, with a cache directory of their own. */
export const playKubectl = async (kubeconfig: string, home: string): Promise<Output[]> => {
  mkdirSync(home, { recursive: true })
  const outputs: Output[] = []
  for (const command of commands) outputs.push(await runKubectl(kubeconfig, home, command))
  return outputs
}
