// The templates of charts/sofakafka-crds from crds/: Helm packs only what is inside a chart's own folder.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const NAME = /^(metadata:\n  name: \S+\n)/m
/** Without it `helm uninstall` would delete the definitions, and with them every Cluster, Topic, User and Acl. */
const KEPT = '  annotations: {helm.sh/resource-policy: keep}\n'

export const crdChart = (): [path: string, text: string][] =>
  readdirSync('crds').map((file) => {
    const text = readFileSync(join('crds', file), 'utf8')
    if (!NAME.test(text) || text.includes('{{')) throw new Error(`crds/${file} cannot be made a Helm template`)
    return [join('charts', 'sofakafka-crds', 'templates', file), text.replace(NAME, `$1${KEPT}`)]
  })
