import type { Run } from '../command.ts'
import { listOf, withKube } from '../kube-access.ts'
import { printList, withoutManagedFields } from '../output.ts'
import { clusterKeyOf, columnsOf, type Kind, resourceName, RESOURCES } from './kinds.ts'

export const run =
  (kind: Kind): Run =>
  (call, session) =>
    withKube(call, session, async (access) => {
      const { io, clocks } = session
      const [name, namespace] = (call.text('cluster') ?? '').split('/').reverse()
      const all = await listOf(call, access, RESOURCES[kind])
      const items = all.filter((object) => {
        const key = clusterKeyOf(object)
        return !name || (key.name === name && (namespace === undefined || key.namespace === namespace))
      })
      const place = call.flag('all-namespaces') ? 'any namespace' : `the namespace ${access.namespace}`
      await printList(io, call, {
        items,
        columns: columnsOf(kind, clocks.wall.nowMs(), call.flag('all-namespaces')),
        name: ({ metadata }) => resourceName(RESOURCES[kind].kind, metadata.name),
        data: withoutManagedFields,
        nothing: `there are no ${RESOURCES[kind].kind}s in ${place}`,
      })
    })
