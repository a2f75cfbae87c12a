import type { Topic } from '../../api/index.ts'
import { type Run, UsageError } from '../command.ts'
import { need, withKube } from '../kube-access.ts'
import { printChange } from './create.ts'
import { configOf } from './fields.ts'
import { RESOURCES } from './kinds.ts'

/** Changes a Topic by a merge patch of just what was written. */
export const run: Run = (call, session) => {
  const config = configOf(call, true)
  const changes = {
    ...(call.text('partitions') === undefined ? {} : { partitions: call.integer('partitions', 1) }),
    ...(call.text('replicas') === undefined ? {} : { replicas: call.integer('replicas', 1) }),
    ...(Object.keys(config).length > 0 ? { config } : {}),
    ...(call.text('deletion-policy') === undefined ? {} : { deletionPolicy: call.text('deletion-policy') }),
  }
  if (Object.keys(changes).length === 0)
    throw new UsageError('write what is to change: --partitions, --replicas, --config or --deletion-policy')
  return withKube(call, session, async (access) => {
    const name = call.needed(0)
    const topic = (await need(access, RESOURCES.topic, name)) as Topic
    const has = topic.status?.partitions ?? 0
    if (changes.partitions !== undefined && changes.partitions < has)
      throw new UsageError(`--partitions ${changes.partitions}: the topic has ${has}, and Kafka never takes any away; make another topic`)
    if (call.text('dry-run') === 'client') return printChange(call, session, patched(topic, changes), 'changed')
    const options = { dryRun: call.text('dry-run') === 'server' }
    const changed = await access.kube.patch(RESOURCES.topic, { namespace: access.namespace, name }, 'merge', { spec: changes }, options)
    return printChange(call, session, changed, 'changed')
  })
}

/** What the merge patch makes of it. */
const patched = (topic: Topic, { config, ...changes }: { config?: Record<string, number | string | null> }): Topic => {
  const merged = Object.entries({ ...topic.spec.config, ...config }).filter(
    (entry): entry is [string, number | string] => entry[1] !== null,
  )
  const { status: _operators, ...rest } = topic
  return { ...rest, spec: { ...topic.spec, ...changes, ...(config ? { config: Object.fromEntries(merged) } : {}) } }
}
