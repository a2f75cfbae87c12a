import { timestamp } from '../../../kube/time.ts'
import type { WallClock } from '../../../base/clock.ts'
import type { Manager } from '../fields/managed-fields.ts'
import type { KubeObject } from '../json.ts'
import type { Resource, Resources } from '../resources.ts'
import type { Store } from '../store/store.ts'
import type { CreateContext, Strategy } from './strategy.ts'

/** What the verbs share. */
export type Server = {
  store: Store
  resources: Resources
  wall: WallClock
  strategyOf: (resource: Resource) => Strategy
  creation: Omit<CreateContext, 'now'>
}

/** One request for objects of one resource, its query read. */
export type Call = {
  resource: Resource
  namespace: string
  name: string
  /** '' for the main resource. */
  subresource: string
  manager: string
  dryRun: boolean
  fieldValidation: 'Ignore' | 'Warn' | 'Strict'
  /** Filled while the request is served; sent as Warning headers. */
  warnings: string[]
}

export const managerOf = (server: Server, call: Call, operation: Manager['operation']): Manager => ({
  name: call.manager,
  operation,
  apiVersion: call.resource.groupVersion,
  subresource: call.subresource,
  time: timestamp(server.wall.nowMs()),
})

/** An answer with an object of the API. */
export type ObjectReply = { code: 200 | 201 | 202; object: KubeObject }

/** What the API server does by itself. */
export const systemCall = (resource: Call['resource'], name: string, namespace = ''): Call => ({
  resource,
  namespace,
  name,
  subresource: '',
  manager: 'sofakafka-apiserver',
  dryRun: false,
  fieldValidation: 'Ignore',
  warnings: [],
})
