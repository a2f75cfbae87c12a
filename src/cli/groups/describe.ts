import { GroupAdmin } from '../../client/group-admin.ts'
import { OffsetFinder } from '../../client/offset-finder.ts'
import type { Run } from '../command.ts'
import { EXIT, Failure } from '../failure.ts'
import { withKafka } from '../kafka-access.ts'
import { formatOf, printData, printList } from '../output.ts'
import { Sections } from '../sections.ts'
import { LAG_COLUMNS, lagOf, lagsOf } from './lag.ts'

export const run: Run = (call, session) =>
  withKafka(call, session, async ({ client, cluster }) => {
    const { io, clocks } = session
    const name = call.needed(0)
    const groups = new GroupAdmin(client, clocks.monotonic)
    const group = await groups.describe(name)
    const lags = await lagsOf(groups, new OffsetFinder(client, clocks.monotonic), group)
    if (group.state === 'Dead' && lags.length === 0)
      throw new Failure(`${cluster.metadata.name} knows no group ${name}; \`group list\` shows which there are`, EXIT.notFound)
    const total = lags.reduce((sum, lag) => sum + (lagOf(lag) ?? 0), 0)
    const format = formatOf(call)
    if (format === 'json' || format === 'yaml')
      return printData(io, format, { ...group, totalLag: total, partitions: lags.map((lag) => ({ ...lag, lag: lagOf(lag) ?? null })) })
    if (format === 'name') return io.out(`group/${name}\n`)
    const { state, protocol, coordinator, members } = group
    const head = new Sections(io.hasColour).fields([
      ['Group', name],
      ['State', state],
      ['Assignor', protocol],
      ['Coordinator', coordinator],
      ['Members', members.length],
      ['Total lag', total],
    ])
    await io.out(`${String(head)}\n`)
    await printList(io, call, {
      items: lags,
      columns: LAG_COLUMNS,
      name: () => name,
      data: (lag) => lag,
      nothing: `${name} has committed nothing`,
    })
  })
