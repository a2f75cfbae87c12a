import type { alterUserScramCredentials } from '../../protocol/api/51-alter-user-scram-credentials.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import {
  credentialOfSaltedPassword,
  formatCredential,
  MAX_ITERATIONS,
  MIN_ITERATIONS,
  type ScramMechanism,
  scramMechanismOfType,
} from '../../security/scram.ts'
import type { Context } from '../context.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { failure, repeated } from './shared.ts'

type Request = RequestOf<typeof alterUserScramCredentials>
type Upsertion = Request['upsertions'][number]
type Result = NonNullable<ReplyOf<typeof alterUserScramCredentials>['results']>[number]

const usersOf = ({ deletions, upsertions }: Request): string[] => [...new Set([...deletions, ...upsertions].map(({ name }) => name))]

export const refuseAlterUserScramCredentials: Refusal<typeof alterUserScramCredentials> = (request, { code, message }) => ({
  results: usersOf(request).map((user) => ({ user, errorCode: code, errorMessage: message })),
})

const mechanismOf = (type: number): ScramMechanism => {
  const mechanism = scramMechanismOfType(type)
  if (!mechanism)
    throw new KafkaError('UNSUPPORTED_SASL_MECHANISM', `Unknown SCRAM mechanism ${type}: use SCRAM-SHA-256 (1) or SCRAM-SHA-512 (2)`)
  return mechanism
}

const textOf = ({ mechanism, iterations, salt, saltedPassword }: Upsertion): string => {
  if (iterations < MIN_ITERATIONS) throw new KafkaError('UNACCEPTABLE_CREDENTIAL', `Too few iterations; the minimum is ${MIN_ITERATIONS}`)
  if (iterations > MAX_ITERATIONS) throw new KafkaError('UNACCEPTABLE_CREDENTIAL', `Too many iterations; the maximum is ${MAX_ITERATIONS}`)
  if (salt.length === 0 || saltedPassword.length === 0)
    throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Salt and salted password must not be empty')
  return formatCredential(credentialOfSaltedPassword(mechanismOf(mechanism), saltedPassword, salt, iterations))
}

const alterUser = async (context: Context, request: Request, user: string): Promise<Result> => {
  const deletions = request.deletions.filter(({ name }) => name === user)
  const upsertions = request.upsertions.filter(({ name }) => name === user)
  if (user === '') throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty')
  if (repeated([...deletions, ...upsertions].map(({ mechanism }) => String(mechanism))).size > 0) {
    throw new KafkaError('DUPLICATE_RESOURCE', 'A user credential cannot be altered twice in the same request')
  }
  const texts = new Map(upsertions.map((upsertion) => [mechanismOf(upsertion.mechanism), textOf(upsertion)]))
  const gone = deletions.map(({ mechanism }) => mechanismOf(mechanism))
  await context.broker.admin.configs.change('users', user, (stored) => {
    if (gone.some((mechanism) => !stored.has(mechanism))) {
      throw new KafkaError('RESOURCE_NOT_FOUND', 'Attempt to delete a user credential that does not exist')
    }
    const kept = [...stored].filter(([name]) => !gone.includes(name as ScramMechanism))
    return new Map([...kept, ...texts])
  })
  return { user, errorCode: 0, errorMessage: null }
}

/** Sets and removes SCRAM passwords; all changes of a user succeed or fail together. Served by the controller, as in Kafka. */
export const handleAlterUserScramCredentials: Handler<typeof alterUserScramCredentials> = async (request, context) => {
  context.authorize('ALTER', 'CLUSTER', CLUSTER_NAME)
  if (!context.broker.admin.isController()) throw new KafkaError('NOT_CONTROLLER')
  const results = await each<string, Result>(
    usersOf(request),
    (user) => alterUser(context, request, user),
    (user, _code, thrown) => ({ user, ...failure(thrown) }),
  )
  return { results }
}
