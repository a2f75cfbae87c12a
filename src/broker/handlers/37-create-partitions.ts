import type { createPartitions } from '../../protocol/api/37-create-partitions.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { failure, repeated } from './shared.ts'

export const refuseCreatePartitions: Refusal<typeof createPartitions> = (request, { code, message }) => ({
  results: request.topics.map(({ name }) => ({ name, errorCode: code, errorMessage: message })),
})

/** Raises partition counts, each topic by itself, and waits for the new leaders. */
export const handleCreatePartitions: Handler<typeof createPartitions> = async (request, context) => {
  const { admin } = context.broker
  if (!admin.isController()) throw new KafkaError('NOT_CONTROLLER')
  const twice = repeated(request.topics.map(({ name }) => name))
  const waiting = new Map<string, number>()
  const results = await each(
    request.topics,
    async ({ name, count, assignments }) => {
      if (twice.has(name)) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic in request.')
      context.authorize('ALTER', 'TOPIC', name)
      await admin.topics.grow(name, count, assignments?.map(({ brokerIds }) => brokerIds) ?? null, request.validateOnly)
      if (!request.validateOnly) waiting.set(name, count)
      return { name, errorCode: 0, errorMessage: null as string | null }
    },
    ({ name }, _code, thrown) => ({ name, ...failure(thrown) }),
  )
  const late = await admin.topics.waitForLeaders(waiting, request.timeoutMs)
  return {
    results: results.map((result) =>
      late.has(result.name) ? { name: result.name, ...failure(new KafkaError('REQUEST_TIMED_OUT')) } : result,
    ),
  }
}
