import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions, VERSION } from '../discovery.ts'
import type { JsonObject } from '../json.ts'
import { openapiV2, openapiV3, openapiV3Index } from '../openapi.ts'
import type { Resources } from '../resources.ts'

const PATHS = ['/api', '/api/v1', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version']

const FIXED: Record<string, (resources: Resources, isAggregated: boolean) => JsonObject> = {
  '/': () => ({ paths: PATHS }),
  '/api': (resources, isAggregated) => (isAggregated ? aggregatedDiscovery(resources, true) : apiVersions()),
  '/apis': (resources, isAggregated) => (isAggregated ? aggregatedDiscovery(resources, false) : apiGroupList(resources)),
  '/version': () => VERSION,
  '/openapi/v2': (resources) => openapiV2(resources),
  '/openapi/v3': (resources) => openapiV3Index(resources),
}

/** Discovery, OpenAPI and version: what a path describes; undefined when it is none of them. */
export const documentAt = (resources: Resources, path: string, isAggregated: boolean): JsonObject | undefined => {
  const fixed = FIXED[path]
  if (fixed) return fixed(resources, isAggregated)
  const openapi = /^\/openapi\/v3\/(?:api|apis)\/(.+)$/.exec(path)
  if (openapi) return openapiV3(resources, openapi[1]!)
  const version = /^\/api\/(v1)$|^\/apis\/([^/]+\/[^/]+)$/.exec(path)
  if (version) return apiResourceList(resources, version[1] ?? version[2]!)
  const group = /^\/apis\/([^/]+)$/.exec(path)
  return group ? apiGroup(resources, group[1]!) : undefined
}
