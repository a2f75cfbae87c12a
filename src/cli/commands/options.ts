import type { Options } from '../command.ts'

/** Options that many commands share. */
export const HELP: Options = { help: { type: 'boolean', short: 'h', summary: 'shows this and does nothing' } }
export const KUBE: Options = {
  namespace: { type: 'string', short: 'n', value: 'NAMESPACE', summary: "instead of the context's", completes: 'namespace' },
  context: { type: 'string', value: 'CONTEXT', summary: 'of the kubeconfig, instead of the current one', completes: 'context' },
  kubeconfig: { type: 'string', value: 'FILE', summary: 'instead of KUBECONFIG or ~/.kube/config', completes: 'file' },
  ...HELP,
}
export const ALL_NAMESPACES: Options = { 'all-namespaces': { type: 'boolean', short: 'A', summary: 'of every namespace' } }
export const LIST: Options = {
  output: { type: 'string', short: 'o', value: 'FORMAT', summary: 'json, yaml, wide or name', choices: ['json', 'yaml', 'wide', 'name'] },
  'no-headers': { type: 'boolean', summary: 'leaves out the first line of tables' },
}
export const DATA: Options = { output: { type: 'string', short: 'o', value: 'FORMAT', summary: 'json or yaml', choices: ['json', 'yaml'] } }
export const CLUSTER: Options = {
  cluster: {
    type: 'string',
    short: 'c',
    value: 'CLUSTER',
    summary: 'NAME or NAMESPACE/NAME; not needed where the namespace has one Cluster',
    completes: 'cluster',
  },
}
export const LOGIN: Options = {
  ...CLUSTER,
  user: { type: 'string', value: 'USER', summary: 'logs in as this User, from its Secret; else as the operator', completes: 'user' },
  connect: {
    type: 'string',
    value: 'HOW',
    summary: 'direct to the addresses of pods, or forward through the API server; auto takes direct in the local mode only',
    choices: ['auto', 'direct', 'forward'],
  },
}
export const DRY_RUN: Options = {
  'dry-run': {
    type: 'string',
    value: 'WHERE',
    summary: 'client prints what would be sent; server lets the API server check it and keeps nothing',
    choices: ['client', 'server'],
  },
}
export const YES: Options = { yes: { type: 'boolean', short: 'y', summary: 'does not ask' } }
