import type { deleteTopics } from '../../protocol/api/20-delete-topics.ts'
import { errorCode, KafkaError } from '../../protocol/errors.ts'
import { each, type Handler, type Refusal } from '../handler.ts'

export const refuseDeleteTopics: Refusal<typeof deleteTopics> = (request, { code }) => ({
  responses: request.topicNames.map((name) => ({ name, errorCode: code })),
})

/** Marks topics for deletion and waits until this broker no longer knows them, or the time is up. */
export const handleDeleteTopics: Handler<typeof deleteTopics> = async (request, context) => {
  const { admin, metadata } = context.broker
  if (!admin.isController()) throw new KafkaError('NOT_CONTROLLER')
  const marked: string[] = []
  const responses = await each(
    [...new Set(request.topicNames)],
    async (name) => {
      if (!context.isAuthorized('DESCRIBE', 'TOPIC', name)) throw new KafkaError('TOPIC_AUTHORIZATION_FAILED')
      context.authorize('DELETE', 'TOPIC', name)
      if (!metadata.topic(name)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
      await admin.topics.delete(name)
      marked.push(name)
      return { name, errorCode: 0 }
    },
    (name, code) => ({ name, errorCode: code }),
  )
  const late = await admin.topics.waitForAbsence(marked, request.timeoutMs)
  return {
    responses: responses.map((response) =>
      late.has(response.name) ? { name: response.name, errorCode: errorCode('REQUEST_TIMED_OUT') } : response,
    ),
  }
}
