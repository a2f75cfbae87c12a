import { join } from 'node:path'
import { textOf } from '../kube/secret-data.ts'
import type { Kube, KubeObject } from '../kube/types.ts'
import { secrets, type Secret } from './objects.ts'

type Rule = { resource: { type: string; name: string; patternType?: string }; operations: string[]; permission?: string }
type Acl = KubeObject & { spec?: { user?: string; rules?: Rule[] } }
type User = KubeObject & { spec?: unknown; status?: unknown }

type UserResource = KubeObject & { spec?: { username?: string }; status?: { secretName?: string; username?: string } }

/** A user who may do something with a topic. */
type Use = { user: string; topic: string }

/** The first user that an Acl lets do `operation` on one of the topics. */
const useOf = (acls: readonly Acl[], topics: readonly string[], operation: 'Read' | 'Write'): Use | undefined => {
  for (const { spec } of acls) {
    for (const { resource, operations, permission = 'Allow' } of spec?.rules ?? []) {
      const isAllowed = permission === 'Allow' && (operations.includes(operation) || operations.includes('All'))
      if (!spec?.user || resource.type !== 'Topic' || !isAllowed) continue
      const { name, patternType = 'Literal' } = resource
      const topic = topics.find((each) => (patternType === 'Prefixed' ? each.startsWith(name) : each === name || name === '*'))
      if (topic !== undefined) return { user: spec.user, topic }
    }
  }
  return undefined
}

/** A group that the user may consume with; undefined where no Acl names one. */
export const groupOf = (acls: readonly Acl[], user: string): string | undefined => {
  const rules = acls.filter(({ spec }) => spec?.user === user).flatMap(({ spec }) => spec?.rules ?? [])
  const rule = rules.find(
    ({ resource, operations }) => resource.type === 'Group' && (operations.includes('Read') || operations.includes('All')),
  )
  return (
    rule &&
    (rule.resource.patternType === 'Prefixed' || rule.resource.name === '*'
      ? `${rule.resource.name.replace('*', '')}local`
      : rule.resource.name)
  )
}

const value = (secret: Secret, key: string): string => textOf(secret, key) ?? ''

/** A configuration file for kcat (librdkafka): what is secret stands in files, never on a command line. `fileOf` gives the path of a file with one of the Secret's keys. */
const kcatConfig = (secret: Secret, fileOf: (key: string) => string): string => {
  const has = (key: string): boolean => secret.data?.[key] !== undefined
  const login = has('user.key')
    ? [`ssl.certificate.location=${fileOf('user.crt')}`, `ssl.key.location=${fileOf('user.key')}`]
    : [
        `sasl.mechanisms=${value(secret, 'sasl.mechanism') || 'SCRAM-SHA-512'}`,
        `sasl.username=${value(secret, 'username')}`,
        `sasl.password=${value(secret, 'password')}`,
      ]
  return [
    `bootstrap.servers=${value(secret, 'bootstrap.servers')}`,
    `security.protocol=${value(secret, 'security.protocol') || 'SASL_PLAINTEXT'}`,
    ...(has('ca.crt') ? [`ssl.ca.location=${fileOf('ca.crt')}`] : []),
    ...login,
    '',
  ].join('\n')
}

/** Writes a file per User with a Secret; gives back the paths by user name. */
export const writeClientFiles = async (
  kube: Kube,
  users: readonly User[],
  directory: string,
  writePrivate: (path: string, text: string) => void,
): Promise<Map<string, string>> => {
  const paths = new Map<string, string>()
  for (const user of users) {
    const { metadata, spec, status } = user as UserResource
    const secret = await kube.get(secrets, { namespace: metadata.namespace ?? '', name: status?.secretName ?? metadata.name })
    if (!secret) continue
    const path = join(directory, `${metadata.name}.conf`)
    const fileOf = (key: string): string => {
      const file = join(directory, `${metadata.name}.${key}`)
      writePrivate(file, value(secret, key))
      return file
    }
    writePrivate(path, kcatConfig(secret, fileOf))
    for (const name of [metadata.name, spec?.username, status?.username]) if (name) paths.set(name, path)
  }
  return paths
}

const shell = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** Three commands that work as they stand: produce, consume, look. */
export const commandsFor = (around: {
  acls: readonly Acl[]
  topics: readonly string[]
  files: ReadonlyMap<string, string>
  kubeconfig: string
  show: (path: string) => string
}): string[] => {
  const { acls, topics, files, kubeconfig, show } = around
  const command = (use: Use | undefined, words: (use: Use) => string[]): string[] => {
    const file = use && files.get(use.user)
    return use && file ? [['kcat', '-F', show(file), ...words(use)].map(shell).join(' ')] : []
  }
  const write = command(useOf(acls, topics, 'Write'), ({ topic }) => ['-P', '-t', topic])
  const read = command(useOf(acls, topics, 'Read'), ({ topic }) => ['-C', '-t', topic, '-o', 'beginning', '-e'])
  return [
    ...write.map((text) => `echo hello | ${text}`),
    ...read,
    `kubectl --kubeconfig ${shell(show(kubeconfig))} get skc,skt,sku,ska,pods`,
  ]
}
