import { users } from '../../api/index.ts'
import type { KubeObject, ObjectMeta } from '../../kube/types.ts'
import { type Call, type Run, UsageError } from '../command.ts'
import { clusterOf, type KubeAccess, withKube } from '../kube-access.ts'
import { printData, withoutManagedFields } from '../output.ts'
import type { Session } from '../session.ts'
import { configOf, ruleOf } from './fields.ts'
import { type Custom, type Kind, resourceName, RESOURCES } from './kinds.ts'

type Spec = Record<string, unknown>

/** Fields that have a value. */
const given = (fields: Record<string, unknown>): Spec =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const topicSpec = (call: Call): Spec => {
  const config = configOf(call, false)
  return given({
    name: call.text('topic-name'),
    partitions: call.integer('partitions', 1),
    replicas: call.integer('replicas', 1),
    config: Object.keys(config).length > 0 ? config : undefined,
  })
}

const userSpec = (call: Call): Spec => {
  const type = call.text('type') ?? 'SCRAM-SHA-512'
  const from = call.text('password-from')
  const [name, key, more] = from?.split('/') ?? []
  if (from !== undefined && (!name || !key || more !== undefined)) throw new UsageError(`--password-from ${from}: write SECRET/KEY`)
  if (from !== undefined && type === 'TLS') throw new UsageError('--password-from: a User of type TLS has a certificate and no password')
  const authentication = given({ type, password: from === undefined ? undefined : { secretKeyRef: { name, key } } })
  return given({ username: call.text('username'), authentication })
}

const aclSpec = (call: Call): Spec => {
  const [user, principal, host] = [call.text('user'), call.text('principal'), call.text('host')]
  if (user !== undefined && principal !== undefined) throw new UsageError('write --user or --principal, not both')
  const rules = [
    ...call.texts('allow').map((text) => ruleOf(text, 'allow')),
    ...call.texts('deny').map((text) => ({ ...ruleOf(text, 'deny'), permission: 'Deny' as const })),
  ].map((rule) => (host === undefined ? rule : { ...rule, host }))
  if (rules.length === 0) throw new UsageError('write at least one --allow or --deny, e.g. --allow Read:Topic:orders')
  return { ...(principal === undefined ? { user: user ?? call.needed(0) } : { principal }), rules }
}

const SPECS: Readonly<Record<Kind, (call: Call) => Spec>> = { topic: topicSpec, user: userSpec, acl: aclSpec }

/** The name of the Cluster is taken as it is written: who makes files need not reach one. */
const clusterRef = async (call: Call, access: KubeAccess): Promise<{ name: string; namespace?: string }> => {
  const written = call.text('cluster')
  if (written === undefined) return { name: (await clusterOf(access, undefined)).metadata.name }
  const [first = '', second] = written.split('/')
  if (second === undefined) return { name: first }
  return first === access.namespace ? { name: second } : { name: second, namespace: first }
}

/** Prints an object as -o says, or what happened to it. */
export const printChange = async (call: Call, { io }: Session, object: KubeObject, what: string): Promise<void> => {
  const format = call.text('output') ?? (call.text('dry-run') === 'client' ? 'yaml' : undefined)
  if (format === 'json' || format === 'yaml') return printData(io, format, withoutManagedFields(object))
  const name = resourceName(object.kind, object.metadata.name)
  return io.out(format === 'name' ? `${name}\n` : `${name} ${what}${call.text('dry-run') ? ' (dry run)' : ''}\n`)
}

export const run =
  (kind: Kind): Run =>
  (call, session) => {
    // What can be said without anybody's help is said first.
    const spec = SPECS[kind](call)
    return withKube(call, session, async (access) => {
      const { apiVersion, kind: kindName } = RESOURCES[kind]
      const metadata: ObjectMeta = { name: call.needed(0), namespace: access.namespace }
      const policy = call.text('deletion-policy')
      const object = {
        apiVersion,
        kind: kindName,
        metadata,
        spec: { clusterRef: await clusterRef(call, access), ...spec, ...(policy ? { deletionPolicy: policy } : {}) },
      } as Custom
      if (call.text('dry-run') === 'client') return printChange(call, session, object, 'created')
      if (kind === 'acl') await warnOfMissingUser(access, session, object)
      const created = await access.kube.create(RESOURCES[kind], object, { dryRun: call.text('dry-run') === 'server' })
      return printChange(call, session, created, 'created')
    })
  }

const warnOfMissingUser = async ({ kube, namespace }: KubeAccess, { io }: Session, acl: Custom): Promise<void> => {
  const { user } = acl.spec as { user?: string }
  if (user === undefined) return
  const { items } = await kube.list(users, { namespace })
  if (!items.some(({ spec, metadata }) => (spec.username ?? metadata.name) === user))
    io.err(`note: no User in ${namespace} is called ${user} in Kafka\n`)
}
