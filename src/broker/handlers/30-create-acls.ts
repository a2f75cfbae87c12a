import type { createAcls } from '../../protocol/api/30-create-acls.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { type AclBinding, CLUSTER_NAME, nameOf, OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES } from '../../security/acl.ts'
import { parsePrincipal } from '../../security/principal.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { requireAcls } from './acl-messages.ts'
import { failure } from './shared.ts'

type Creation = RequestOf<typeof createAcls>['creations'][number]

export const refuseCreateAcls: Refusal<typeof createAcls> = (request, { code, message }) => ({
  results: request.creations.map(() => ({ errorCode: code, errorMessage: message })),
})

const invalid = (message: string): KafkaError => new KafkaError('INVALID_REQUEST', message)

const bindingOf = (creation: Creation): AclBinding => {
  const { resourceName, principal, host } = creation
  const binding: AclBinding = {
    resourceType: nameOf(RESOURCE_TYPES, creation.resourceType),
    resourceName,
    patternType: nameOf(PATTERN_TYPES, creation.resourcePatternType),
    principal,
    host,
    operation: nameOf(OPERATIONS, creation.operation),
    permission: nameOf(PERMISSIONS, creation.permissionType),
  }
  const names = [binding.resourceType, binding.patternType, binding.operation, binding.permission]
  if (names.includes('UNKNOWN') || names.includes('ANY') || binding.patternType === 'MATCH') {
    throw invalid('An ACL binding names one resource type, one pattern type (literal or prefixed), one operation and one permission')
  }
  if (resourceName === '') throw invalid('Invalid empty resource name')
  if (binding.resourceType === 'CLUSTER' && resourceName !== CLUSTER_NAME)
    throw invalid(`The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`)
  if (!parsePrincipal(principal)) throw invalid(`expected a string in format principalType:principalName but got ${principal}`)
  if (host === '') throw invalid('A host is an address, or * for all')
  // The store keeps a znode per resource name: a slash would be another znode.
  if (resourceName.includes('/')) throw invalid('A resource name cannot hold a slash')
  return binding
}

/** Adds bindings, each by itself. */
export const handleCreateAcls: Handler<typeof createAcls> = async (request, context) => {
  context.authorize('ALTER', 'CLUSTER', CLUSTER_NAME)
  const acls = requireAcls(context)
  const results = await each<Creation, { errorCode: number; errorMessage: string | null }>(
    request.creations,
    async (creation) => {
      await acls.add(bindingOf(creation))
      return { errorCode: 0, errorMessage: null }
    },
    (_creation, _code, thrown) => failure(thrown),
  )
  return { results }
}
