import { GroupAdmin } from '../../client/group-admin.ts'
import type { Run } from '../command.ts'
import { withKafka } from '../kafka-access.ts'
import { printList } from '../output.ts'

export const run: Run = (call, session) =>
  withKafka(call, session, async ({ client, cluster }) => {
    const groups = await new GroupAdmin(client, session.clocks.monotonic).list()
    await printList(session.io, call, {
      items: groups,
      columns: [
        { header: 'GROUP', value: ({ groupId }) => groupId },
        { header: 'STATE', value: ({ state }) => state ?? 'Unknown' },
        { header: 'PROTOCOL TYPE', value: ({ protocolType }) => protocolType || '<none>' },
        { header: 'COORDINATOR', value: ({ coordinator }) => coordinator },
      ],
      name: ({ groupId }) => `group/${groupId}`,
      data: (group) => group,
      nothing: `no broker of ${cluster.metadata.name} knows a group`,
    })
  })
