import { EXIT } from '../failure.ts'
import type { Run } from '../command.ts'
import { confirm } from '../confirm.ts'
import { need, withKube } from '../kube-access.ts'
import { type Custom, type Kind, resourceName, RESOURCES } from './kinds.ts'

/** What stays and what goes, by the kind and its deletionPolicy. */
const consequence = (kind: Kind, { spec, status, metadata }: Custom): string => {
  const isKept = spec.deletionPolicy === 'Retain'
  const topic = (status?.['topicName'] as string | undefined) ?? metadata.name
  const texts: Readonly<Record<Kind, string>> = {
    topic: isKept
      ? `The topic ${topic} stays in Kafka with its records.`
      : `The topic ${topic} goes with ALL ITS RECORDS (deletionPolicy Delete).`,
    user: isKept ? 'The login goes on.' : 'The login ends, and its Secret goes.',
    acl: isKept ? 'Its rules stay in Kafka.' : 'What it allows ends.',
  }
  return texts[kind]
}

export const run =
  (kind: Kind): Run =>
  (call, session) =>
    withKube(call, session, async (access) => {
      const { io } = session
      const name = call.needed(0)
      const object = await need(access, RESOURCES[kind], name)
      const shown = resourceName(object.kind, name)
      const what = `Delete ${object.kind} ${name} in ${access.namespace}? ${consequence(kind, object)}`
      if (call.text('dry-run') !== undefined) return io.out(`${shown} would be deleted (dry run). ${consequence(kind, object)}\n`)
      if (!(await confirm(call, io, what))) return EXIT.failed
      // The one that was shown, and no other that took its name meanwhile.
      const preconditions = object.metadata.uid ? { uid: object.metadata.uid } : {}
      await access.kube.delete(RESOURCES[kind], { namespace: access.namespace, name }, { preconditions })
      return io.out(`${shown} deleted\n`)
    })
