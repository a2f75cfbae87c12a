import { KafkaError, type ErrorName } from '../protocol/errors.ts'
import type { Operation, ResourceType } from '../security/acl.ts'
import type { Principal } from '../security/principal.ts'
import type { Login } from './login/sasl.ts'
import type { Services } from './ports.ts'

/** Who is at the other end of a connection. */
export interface Peer {
  /** The address, as ACLs have it in `host`. */
  readonly host: string
  /** The listener's name, in capitals. */
  readonly listener: string
  readonly login: Login
  /** Aborts when the connection ends; made when first asked for. */
  readonly closed: AbortSignal
}

const DENIED: Partial<Record<ResourceType, ErrorName>> = {
  TOPIC: 'TOPIC_AUTHORIZATION_FAILED',
  GROUP: 'GROUP_AUTHORIZATION_FAILED',
  CLUSTER: 'CLUSTER_AUTHORIZATION_FAILED',
  TRANSACTIONAL_ID: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  DELEGATION_TOKEN: 'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
}

/** All that a handler may touch: who asks, what the client said of itself, and the services of the broker. One per request. */
export class Context {
  readonly broker: Services
  readonly peer: Peer
  readonly apiVersion: number
  /** '' where the client gave none. */
  readonly clientId: string

  constructor(broker: Services, peer: Peer, request: { apiVersion: number; clientId: string | null }) {
    this.broker = broker
    this.peer = peer
    this.apiVersion = request.apiVersion
    this.clientId = request.clientId ?? ''
  }

  get principal(): Principal {
    return this.peer.login.principal
  }

  isAuthorized(operation: Operation, resourceType: ResourceType, resourceName: string): boolean {
    return this.broker.authorizer.isAllowed({ principal: this.principal, host: this.peer.host, operation, resourceType, resourceName })
  }

  /** Throws the AUTHORIZATION_FAILED error of the resource's type. */
  authorize(operation: Operation, resourceType: ResourceType, resourceName: string): void {
    if (!this.isAuthorized(operation, resourceType, resourceName)) throw new KafkaError(DENIED[resourceType] ?? 'SECURITY_DISABLED')
  }

  /** The bit field that Metadata and the describing APIs answer. */
  authorizedOperations(resourceType: ResourceType, resourceName: string): number {
    return this.broker.authorizer.authorizedOperations({ principal: this.principal, host: this.peer.host, resourceType, resourceName })
  }
}
