import { INT_MAX, atLeast, int, long, string } from '../key.ts'

const perBroker = { scope: 'per-broker' } as const
const clusterWide = { scope: 'cluster-wide' } as const
const noEffect = { support: 'no effect' } as const

/** Listeners, connections, requests. */
export const networkKeys = {
  listeners: string(null, 'Comma-separated addresses to listen on, NAME://HOST:PORT; an empty host is every interface.', perBroker),
  'advertised.listeners': string(null, 'Addresses that clients are told to connect to; the listeners themselves when absent.', perBroker),
  'listener.security.protocol.map': string(
    'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
    'Which security protocol each listener name uses, NAME:PROTOCOL.',
    perBroker,
  ),
  'inter.broker.listener.name': string(
    null,
    'The listener that brokers use among themselves; by security.inter.broker.protocol when absent.',
  ),
  'control.plane.listener.name': string(null, 'A listener for requests of the controller alone.', {
    refusal: 'a separate control plane listener is not served; leave the key out, controller requests then use the inter-broker listener',
  }),
  'host.name': string('', 'Deprecated form of the host in listeners; used only where listeners is absent.'),
  port: int('9092', 'Deprecated form of the port in listeners; used only where listeners is absent.'),
  'advertised.host.name': string(null, 'Deprecated form of the host in advertised.listeners; used only where that is absent.'),
  'advertised.port': int(null, 'Deprecated form of the port in advertised.listeners; used only where that is absent.'),
  'socket.send.buffer.bytes': int('102400', 'Send buffer of a socket; the operating system decides here.', noEffect),
  'socket.receive.buffer.bytes': int('102400', 'Receive buffer of a socket; the operating system decides here.', noEffect),
  'socket.request.max.bytes': int('104857600', 'The largest request; a longer one closes its connection.', { validator: atLeast(1) }),
  'max.connections': int(INT_MAX, 'Connections of this broker at a time; further ones are closed at once.', {
    ...clusterWide,
    validator: atLeast(0),
  }),
  'max.connections.per.ip': int(INT_MAX, 'Connections from one address at a time.', { ...clusterWide, validator: atLeast(0) }),
  'max.connections.per.ip.overrides': string(
    '',
    'max.connections.per.ip for single addresses or host names, ADDRESS:COUNT,...',
    clusterWide,
  ),
  'connections.max.idle.ms': long('600000', 'A connection without a request for this long is closed.'),
  'connections.max.reauth.ms': long(
    '0',
    'How long a login stays valid: a connection that goes on without another one is closed. 0: for ever. Also per listener and mechanism.',
  ),
  'connection.failed.authentication.delay.ms': int('100', 'A failed login is answered, and its connection closed, after this delay.', {
    validator: atLeast(0),
  }),
  'queued.max.requests': int('500', 'Requests read and not yet answered; bounded by queued.max.request.bytes here.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'queued.max.request.bytes': long(
    '-1',
    'Bytes of requests in memory over all connections; no socket is read while they are used up. -1: a share of the memory limit.',
  ),
  'request.timeout.ms': int('30000', 'How long a broker waits for the answer to a request of its own.'),
  'num.network.threads': int('3', 'Threads that read and write sockets; one event loop does it here.', {
    ...noEffect,
    ...clusterWide,
    validator: atLeast(1),
  }),
  'num.io.threads': int('8', 'Threads that process requests; one event loop does it here.', {
    ...noEffect,
    ...clusterWide,
    validator: atLeast(1),
  }),
  'background.threads': int('10', 'Threads for scheduled work; the event loop and the worker pool do it here.', {
    ...noEffect,
    ...clusterWide,
    validator: atLeast(1),
  }),
  'producer.purgatory.purge.interval.requests': int(
    '1000',
    'Waiting produce requests are dropped as they end here, never purged.',
    noEffect,
  ),
  'fetch.purgatory.purge.interval.requests': int('1000', 'Waiting fetch requests are dropped as they end here, never purged.', noEffect),
  'delete.records.purgatory.purge.interval.requests': int(
    '1',
    'Waiting delete-records requests are dropped as they end here, never purged.',
    noEffect,
  ),
  'fetch.max.bytes': int('57671680', 'The most bytes of records that one fetch answer holds, above what the client asked for.', {
    validator: atLeast(1024),
  }),
  'max.incremental.fetch.session.cache.slots': int('1000', 'Incremental fetch sessions kept.', {
    validator: atLeast(0),
  }),
}
