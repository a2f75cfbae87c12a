import type { deleteGroups } from '../../protocol/api/42-delete-groups.ts'
import { errorCode, KafkaError } from '../../protocol/errors.ts'
import { offsetStoreError } from '../coordinator/store-errors.ts'
import { each, type Handler, type Refusal } from '../handler.ts'

export const refuseDeleteGroups: Refusal<typeof deleteGroups> = ({ groupsNames }, { code }) => ({
  results: groupsNames.map((groupId) => ({ groupId, errorCode: code })),
})

/** Groups without members, with all that they have stored. */
export const handleDeleteGroups: Handler<typeof deleteGroups> = async ({ groupsNames }, context) => ({
  results: await each(
    [...new Set(groupsNames)],
    async (groupId) => {
      context.authorize('DELETE', 'GROUP', groupId)
      await context.broker.groups.delete(groupId)
      return { groupId, errorCode: 0 }
    },
    (groupId, _code, err) => {
      if (!(err instanceof KafkaError)) context.broker.logger.error({ err, group: groupId }, 'a group could not be deleted')
      return { groupId, errorCode: errorCode(offsetStoreError(err)) }
    },
  ),
})
