import type { Command, Completes, Options } from '../command.ts'
import { ALL_NAMESPACES, CLUSTER, DATA, DRY_RUN, KUBE, LIST, LOGIN, YES } from './options.ts'

type Kind = 'topic' | 'user' | 'acl'

const named = (kind: Kind, isOptional?: true) => [{ name: 'NAME', completes: kind as Completes, ...(isOptional ? { isOptional } : {}) }]

/** What all three kinds have. */
const common = (kind: Kind, about: { list: string; describe: string; gone: string; login?: Options }): Command[] => [
  {
    words: [kind, 'list'],
    summary: about.list,
    options: { ...LIST, ...ALL_NAMESPACES, ...CLUSTER, ...KUBE },
    load: async () => (await import('../resources/list.ts')).run(kind),
  },
  {
    words: [kind, 'describe'],
    summary: about.describe,
    positionals: named(kind),
    options: { ...DATA, ...about.login, ...KUBE },
    load: async () => (await import('../resources/describe.ts')).run(kind),
  },
  {
    words: [kind, 'delete'],
    summary: `deletes the resource; ${about.gone}`,
    details: ['Asks before it does; where there is no terminal to ask on, --yes is needed.'],
    positionals: named(kind),
    options: { ...YES, ...DRY_RUN, ...KUBE },
    load: async () => (await import('../resources/delete.ts')).run(kind),
  },
]

const POLICY: Options = {
  'deletion-policy': {
    type: 'string',
    value: 'POLICY',
    summary: 'Retain or Delete: what happens in Kafka when the resource is deleted',
    choices: ['Retain', 'Delete'],
  },
}
const TOPIC_FIELDS: Options = {
  partitions: { type: 'string', short: 'p', value: 'N', summary: 'how many; never fewer than there are' },
  replicas: { type: 'string', short: 'r', value: 'N', summary: 'how many brokers have each partition' },
}
const OUTPUT: Options = {
  output: { type: 'string', short: 'o', value: 'FORMAT', summary: 'json, yaml or name', choices: ['json', 'yaml', 'name'] },
}

export const RESOURCE_COMMANDS: readonly Command[] = [
  ...common('topic', {
    list: 'the Topics, and whether they are Ready',
    describe: 'one Topic: its conditions, partitions, configuration and last events',
    gone: 'the topic and its records stay in Kafka unless its deletionPolicy is Delete',
    login: LOGIN,
  }),
  {
    words: ['topic', 'create'],
    summary: 'makes a Topic, from which the operator makes the topic in Kafka',
    positionals: [{ name: 'NAME' }],
    options: {
      ...TOPIC_FIELDS,
      config: { type: 'string', multiple: true, value: 'KEY=VALUE', summary: "one of Kafka's topic keys; may be given more than once" },
      'topic-name': { type: 'string', value: 'TOPIC', summary: "the name in Kafka, where it is not the resource's" },
      ...POLICY,
      ...DRY_RUN,
      ...OUTPUT,
      ...CLUSTER,
      ...KUBE,
    },
    examples: [
      'topic create orders -p 12 -r 3 --config retention.ms=604800000',
      'topic create orders -p 12 --dry-run client -o yaml > orders.yaml',
    ],
    load: async () => (await import('../resources/create.ts')).run('topic'),
  },
  {
    words: ['topic', 'alter'],
    summary: 'changes fields of a Topic',
    positionals: named('topic'),
    options: {
      ...TOPIC_FIELDS,
      config: { type: 'string', multiple: true, value: 'KEY=VALUE', summary: 'sets a key; KEY- takes it back to the default' },
      ...POLICY,
      ...DRY_RUN,
      ...OUTPUT,
      ...KUBE,
    },
    examples: ['topic alter orders -p 24 --config retention.ms=86400000', 'topic alter orders --config retention.ms-'],
    load: async () => (await import('../resources/alter.ts')).run,
  },
  ...common('user', {
    list: 'the Users, and whether they are Ready',
    describe: 'one User: its conditions, its Secret (never what is in it) and last events',
    gone: 'the login ends unless its deletionPolicy is Retain',
  }),
  {
    words: ['user', 'create'],
    summary: 'makes a User; its password, or certificate, is in a Secret of the same name',
    positionals: [{ name: 'NAME' }],
    options: {
      type: { type: 'string', value: 'TYPE', summary: 'SCRAM-SHA-512 where absent', choices: ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'TLS'] },
      username: { type: 'string', value: 'USERNAME', summary: "the name in Kafka, where it is not the resource's" },
      'password-from': {
        type: 'string',
        value: 'SECRET/KEY',
        summary: 'a Secret of yours with the password; absent, the operator makes one',
      },
      ...POLICY,
      ...DRY_RUN,
      ...OUTPUT,
      ...CLUSTER,
      ...KUBE,
    },
    examples: ['user create orders-app', 'user create orders-app --password-from my-secret/password'],
    load: async () => (await import('../resources/create.ts')).run('user'),
  },
  ...common('acl', {
    list: 'the Acls, and whether they are Ready',
    describe: 'one Acl: its rules, conditions and last events',
    gone: 'its rules end in Kafka unless its deletionPolicy is Retain',
  }),
  {
    words: ['acl', 'create'],
    summary: 'makes an Acl: what one user may do, and may not do',
    details: [
      'A RULE is OPERATIONS:TYPE:NAME. OPERATIONS are words of Kafka with commas between (All, Read, Write, Create, Delete, Alter, Describe, ...), TYPE is Topic, Group, TransactionalId or Cluster',
      '(which has no NAME), and a NAME that ends with * means every name that begins so.',
    ],
    positionals: [{ name: 'NAME' }],
    options: {
      user: { type: 'string', value: 'USERNAME', summary: 'the name in Kafka of a User; NAME where absent', completes: 'user' },
      principal: { type: 'string', value: 'PRINCIPAL', summary: 'instead of a user, e.g. User:* for everybody' },
      allow: { type: 'string', multiple: true, value: 'RULE', summary: 'what is allowed; may be given more than once' },
      deny: { type: 'string', multiple: true, value: 'RULE', summary: 'what is not, whatever else allows it' },
      host: { type: 'string', value: 'ADDRESS', summary: 'only from there' },
      ...POLICY,
      ...DRY_RUN,
      ...OUTPUT,
      ...CLUSTER,
      ...KUBE,
    },
    examples: [
      'acl create orders-app --allow Write,Describe:Topic:orders --allow IdempotentWrite:Cluster',
      'acl create orders-reader --allow Read:Topic:orders --allow "Read:Group:orders-*"',
    ],
    load: async () => (await import('../resources/create.ts')).run('acl'),
  },
]
