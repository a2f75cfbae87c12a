import type { joinGroup } from '../../protocol/api/11-join-group.ts'
import { errorCode, KafkaError } from '../../protocol/errors.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import type { Context } from '../context.ts'
import { joinFailed, type JoinResult } from '../coordinator/messages.ts'
import type { Handler, Refusal } from '../handler.ts'
import { checkGroupId } from './group-messages.ts'

type Api = typeof joinGroup
type Request = RequestOf<Api>

const NULL_PROTOCOL_SINCE = 7
const KNOWN_MEMBER_ID_SINCE = 4

const replyOf = ({ error, protocolName, ...result }: JoinResult, version: number): ReplyOf<Api> => ({
  ...result,
  errorCode: errorCode(error),
  protocolName: protocolName ?? (version >= NULL_PROTOCOL_SINCE ? null : ''),
})

export const refuseJoinGroup: Refusal<Api> = (_request, { code }) => ({ errorCode: code, protocolName: '' })

const join = (request: Request, context: Context): JoinResult | Promise<JoinResult> => {
  const { groupId, memberId, groupInstanceId, sessionTimeoutMs } = request
  const { groups, config } = context.broker
  checkGroupId(groupId)
  const isNew = memberId === ''
  const known = groups.find(groupId)
  if (sessionTimeoutMs < config.get('group.min.session.timeout.ms') || sessionTimeoutMs > config.get('group.max.session.timeout.ms')) {
    throw new KafkaError('INVALID_SESSION_TIMEOUT')
  }
  const group = known ?? (isNew ? groups.findOrCreate(groupId) : undefined)
  if (!group) throw new KafkaError('UNKNOWN_MEMBER_ID')
  return group.membership.join({
    memberId,
    groupInstanceId,
    requiresKnownMemberId: context.apiVersion >= KNOWN_MEMBER_ID_SINCE && groupInstanceId === null,
    clientId: context.clientId,
    clientHost: `/${context.peer.host}`,
    sessionTimeoutMs,
    rebalanceTimeoutMs: context.apiVersion === 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
  })
}

/** Answered when the group's members have joined. */
export const handleJoinGroup: Handler<Api> = async (request, context) => {
  if (!context.isAuthorized('READ', 'GROUP', request.groupId)) {
    return replyOf(joinFailed('', 'GROUP_AUTHORIZATION_FAILED'), context.apiVersion)
  }
  try {
    return replyOf(await join(request, context), context.apiVersion)
  } catch (thrown) {
    if (!(thrown instanceof KafkaError)) throw thrown
    return replyOf(joinFailed(request.memberId, thrown.error), context.apiVersion)
  }
}
