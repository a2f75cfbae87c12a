import type { describeUserScramCredentials } from '../../protocol/api/50-describe-user-scram-credentials.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ReplyOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import { SCRAM_MECHANISMS, type ScramMechanism } from '../../security/scram.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import type { ConfigStore } from '../metadata/config-store.ts'
import { failure, repeated } from './shared.ts'

type Result = NonNullable<ReplyOf<typeof describeUserScramCredentials>['results']>[number]

export const refuseDescribeUserScramCredentials: Refusal<typeof describeUserScramCredentials> = (_request, { code, message }) => ({
  errorCode: code,
  errorMessage: message,
})

const infosOf = (configs: ConfigStore, username: string) =>
  (Object.keys(SCRAM_MECHANISMS) as ScramMechanism[]).flatMap((mechanism) => {
    const credential = configs.scram(mechanism, username)
    return credential ? [{ mechanism: SCRAM_MECHANISMS[mechanism].type, iterations: credential.iterations }] : []
  })

/** Which users have SCRAM passwords, by mechanism; all of them when none is named. Never the secrets. */
export const handleDescribeUserScramCredentials: Handler<typeof describeUserScramCredentials> = async (request, context) => {
  context.authorize('DESCRIBE', 'CLUSTER', CLUSTER_NAME)
  const { configs } = context.broker.admin
  const named = request.users?.map(({ name }) => name) ?? []
  const twice = repeated(named)
  const all = [...configs.usernames()].filter((user) => infosOf(configs, user).length > 0)
  const results = await each<string, Result>(
    named.length > 0 ? [...new Set(named)] : all,
    (user) => {
      if (twice.has(user))
        throw new KafkaError('DUPLICATE_RESOURCE', `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`)
      const credentialInfos = infosOf(configs, user)
      if (credentialInfos.length === 0)
        throw new KafkaError('RESOURCE_NOT_FOUND', `Attempt to describe a user credential that does not exist: ${user}`)
      return { user, errorCode: 0, errorMessage: null, credentialInfos }
    },
    (user, _code, thrown) => ({ user, ...failure(thrown) }),
  )
  return { errorMessage: null, results }
}
