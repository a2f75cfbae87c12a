import type { describeClientQuotas } from '../../protocol/api/48-describe-client-quotas.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'
import { type ClientQuota, clientQuotas, type QuotaMatch } from '../metadata/client-quotas.ts'

type Component = RequestOf<typeof describeClientQuotas>['components'][number]

/** Source: ClientQuotaEntity, DescribeClientQuotasRequest. */
const USER = 'user'
const CLIENT_ID = 'client-id'
const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

export const refuseDescribeClientQuotas: Refusal<typeof describeClientQuotas> = (_request, { code, message }) => ({
  errorCode: code,
  errorMessage: message,
  entries: null,
})

const matchOf = ({ matchType, match }: Component): QuotaMatch => {
  if (matchType === SPECIFIED) return 'all'
  if (matchType === DEFAULT) return { name: null }
  if (matchType === EXACT && match !== null) return { name: match }
  throw new KafkaError('INVALID_REQUEST', `Unexpected match type: ${matchType}`)
}

const matchesOf = (components: readonly Component[]): Map<string, QuotaMatch> => {
  const matches = new Map<string, QuotaMatch>()
  for (const component of components) {
    const { entityType } = component
    if (entityType === '') throw new KafkaError('INVALID_REQUEST', 'Unexpected empty filter component entity type')
    if (entityType !== USER && entityType !== CLIENT_ID)
      throw new KafkaError('UNSUPPORTED_VERSION', `Custom entity type '${entityType}' not supported`)
    if (matches.has(entityType)) throw new KafkaError('INVALID_REQUEST', `Duplicate ${entityType} filter component entity type`)
    matches.set(entityType, matchOf(component))
  }
  return matches
}

const entryOf = ({ user, clientId, values }: ClientQuota) => ({
  entity: [
    ...(user === undefined ? [] : [{ entityType: USER, entityName: user }]),
    ...(clientId === undefined ? [] : [{ entityType: CLIENT_ID, entityName: clientId }]),
  ],
  values: [...values].map(([key, value]) => ({ key, value })),
})

/** What is stored in ZooKeeper; no quota holds anybody back here. Kafka's tools ask for it before they show or change users. */
export const handleDescribeClientQuotas: Handler<typeof describeClientQuotas> = async ({ components, strict }, context) => {
  context.authorize('DESCRIBE_CONFIGS', 'CLUSTER', CLUSTER_NAME)
  const matches = matchesOf(components)
  const filter = { user: matches.get(USER), clientId: matches.get(CLIENT_ID), isStrict: strict }
  const found = await clientQuotas(context.broker.admin.configs, filter)
  return { errorMessage: null, entries: found.map(entryOf) }
}
