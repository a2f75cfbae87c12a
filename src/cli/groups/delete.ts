import { GroupAdmin } from '../../client/group-admin.ts'
import type { Run } from '../command.ts'
import { confirm } from '../confirm.ts'
import { EXIT, Failure } from '../failure.ts'
import { withKafka } from '../kafka-access.ts'

export const run: Run = (call, session) =>
  withKafka(call, session, async ({ client, cluster }) => {
    const name = call.needed(0)
    const groups = new GroupAdmin(client, session.clocks.monotonic)
    const { state, members } = await groups.describe(name)
    if (state === 'Dead') throw new Failure(`${cluster.metadata.name} knows no group ${name}`, EXIT.notFound)
    if (members.length > 0)
      throw new Failure(`${name} has members, stop them first: ${members.map(({ clientId, host }) => `${clientId} at ${host}`).join(', ')}`)
    if (!(await confirm(call, session.io, `Forget the group ${name} of ${cluster.metadata.name} and all its offsets?`))) return EXIT.failed
    await groups.delete(name)
    return session.io.out(`group/${name} deleted\n`)
  })
