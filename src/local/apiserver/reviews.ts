import { timestamp } from '../../kube/time.ts'
import { asArray, asObject, asString, at, type JsonObject, type KubeObject } from './json.ts'
import type { Call, Server } from './rest/context.ts'
import { existing } from './rest/write.ts'
import type { Tokens } from './tokens.ts'
import type { Identity } from './types.ts'

const DEFAULT_TOKEN_SECONDS = 3600
const MIN_TOKEN_SECONDS = 600

const userInfo = (identity: Identity): JsonObject => ({
  username: identity.user,
  ...(identity.uid ? { uid: identity.uid } : {}),
  groups: [...(identity.groups ?? [])],
})

/** Reviews are answered, never stored. RBAC is not evaluated: whoever has a token may do everything. */
export const review = (kind: string, body: JsonObject, context: { identity: Identity; tokens: Tokens }): JsonObject => {
  const base = { kind, apiVersion: body['apiVersion'] ?? '', metadata: { creationTimestamp: null }, spec: asObject(body['spec']) }
  switch (kind) {
    case 'SelfSubjectReview':
      return { kind, apiVersion: base.apiVersion, metadata: base.metadata, status: { userInfo: userInfo(context.identity) } }
    case 'TokenReview': {
      const identity = context.tokens.identify(asString(base.spec['token']))
      return {
        ...base,
        status: identity ? { authenticated: true, user: userInfo(identity) } : { user: {}, error: 'the token is not known' },
      }
    }
    case 'SelfSubjectRulesReview': {
      const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }
      return { ...base, status: { resourceRules: [all], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }], incomplete: false } }
    }
    default:
      return { ...base, status: { allowed: true, reason: 'the local mode does not evaluate RBAC' } }
  }
}

/** serviceaccounts/NAME/token: an opaque token for system:serviceaccount:NAMESPACE:NAME, bound to a pod when the request says so. */
export const requestToken = (server: Server, call: Call, body: JsonObject, tokens: Tokens): JsonObject => {
  const account: KubeObject = existing(server, call)
  const asked = at(body, 'spec', 'expirationSeconds')
  const seconds = Math.max(MIN_TOKEN_SECONDS, typeof asked === 'number' ? asked : DEFAULT_TOKEN_SECONDS)
  const expiresMs = server.wall.nowMs() + seconds * 1000
  const boundUid = asString(at(body, 'spec', 'boundObjectRef', 'uid'))
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${call.namespace}`]
  const identity = { user: `system:serviceaccount:${call.namespace}:${call.name}`, groups, uid: account.metadata.uid }
  const token = tokens.issue(identity, { expiresMs, ...(boundUid ? { boundUid } : {}) })
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: call.name, namespace: call.namespace, creationTimestamp: null },
    spec: {
      ...asObject(body['spec']),
      audiences: asArray(at(body, 'spec', 'audiences')),
      expirationSeconds: seconds,
      boundObjectRef: at(body, 'spec', 'boundObjectRef') ?? null,
    },
    status: { token, expirationTimestamp: timestamp(expiresMs) },
  }
}
