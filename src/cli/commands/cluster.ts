import type { Command } from '../command.ts'
import { ALL_NAMESPACES, CLUSTER, DRY_RUN, HELP, KUBE, LIST, LOGIN } from './options.ts'

export const CLUSTER_COMMANDS: readonly Command[] = [
  {
    words: ['status'],
    summary: 'a Cluster at a glance: brokers, ZooKeeper, listeners, what is not Ready and what to do about it',
    details: ['Without a name: the only Cluster of the namespace, or a line for each. Ends with 5 where something is not Ready.'],
    positionals: [{ name: 'CLUSTER', isOptional: true, completes: 'cluster' }],
    options: {
      ...LIST,
      ...ALL_NAMESPACES,
      user: LOGIN['user']!,
      connect: LOGIN['connect']!,
      'no-kafka': { type: 'boolean', summary: 'asks Kubernetes only' },
      ...KUBE,
    },
    examples: ['status', 'status -A', 'status ant -o json'],
    load: async () => (await import('../status/run.ts')).run,
  },
  {
    words: ['logs'],
    summary: 'the logs of all pods of a Cluster, each line with its pod before it',
    options: {
      follow: { type: 'boolean', short: 'f', summary: 'goes on with what is logged from now on' },
      since: { type: 'string', value: 'DURATION', summary: 'only so old: 10m, 1h' },
      tail: { type: 'string', value: 'N', summary: 'the last lines of each pod; all where absent' },
      previous: { type: 'boolean', short: 'p', summary: 'of the container before the last restart' },
      pod: { type: 'string', multiple: true, value: 'POD', summary: 'only this one; may be given more than once' },
      timestamps: { type: 'boolean', summary: 'with the time of each line' },
      ...CLUSTER,
      ...KUBE,
    },
    examples: ['logs --since 10m', 'logs -f --tail 20 --pod ant-kafka-0'],
    load: async () => (await import('../logs.ts')).run,
  },
  {
    words: ['restart'],
    summary: 'has the operator replace all pods of a Cluster, or single ones, one at a time',
    details: [
      'Brokers and ZooKeeper, by the rules of every roll: a pod goes only while all are ready and every partition keeps its min.insync.replicas. Returns at once.',
    ],
    positionals: [{ name: 'CLUSTER', isOptional: true, completes: 'cluster' }],
    options: {
      pod: { type: 'string', multiple: true, value: 'POD', summary: 'only this one; may be given more than once' },
      'dry-run': { ...DRY_RUN['dry-run']!, summary: 'server lets the API server check it and keeps nothing', choices: ['server'] },
      ...CLUSTER,
      ...KUBE,
    },
    examples: ['restart ant', 'restart ant --pod ant-kafka-2'],
    load: async () => (await import('../restart.ts')).run,
  },
  {
    words: ['diagnose'],
    summary: 'writes a .tar.gz for whoever helps you: resources, events, logs, metrics, configuration; no secrets',
    details: [
      'Secrets are in it with the names of their keys only. What stands in the Secrets of the Cluster and its Users, where you may read them, is also taken out of every other file.',
    ],
    options: {
      file: { type: 'string', short: 'f', value: 'FILE', summary: 'sofakafka-CLUSTER-TIME.tar.gz where absent', completes: 'file' },
      since: { type: 'string', value: 'DURATION', summary: 'how old logs may be; 24h where absent' },
      user: LOGIN['user']!,
      connect: LOGIN['connect']!,
      ...CLUSTER,
      ...KUBE,
    },
    load: async () => (await import('../diagnose/run.ts')).run,
  },
  {
    words: ['completion'],
    summary: 'prints a script that completes commands, options and names in bash, zsh or fish',
    details: [
      'kubectl completes `kubectl sofakafka` by itself when kubectl_complete-sofakafka is on the PATH, as it is after npm install -g.',
    ],
    positionals: [{ name: 'SHELL' }],
    options: HELP,
    examples: ['completion bash > /etc/bash_completion.d/sofakafka', 'completion zsh > "${fpath[1]}/_sofakafka"'],
    load: async () => (await import('../completion/script.ts')).run,
  },
]
