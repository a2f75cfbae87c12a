import { atLeast, boolean, int, list, password, string } from '../key.ts'

const noEffect = { support: 'no effect' } as const

/** The connection to ZooKeeper. */
export const zookeeperKeys = {
  'zookeeper.connect': string(undefined, 'Servers of ZooKeeper, HOST:PORT,..., with an optional /chroot at the end.'),
  'zookeeper.session.timeout.ms': int('18000', 'A broker that ZooKeeper did not hear for this long is taken for dead.'),
  'zookeeper.connection.timeout.ms': int(null, 'How long a start waits for ZooKeeper; zookeeper.session.timeout.ms when absent.'),
  'zookeeper.sync.time.ms': int('2000', 'Unused, in Kafka too.', noEffect),
  'zookeeper.set.acl': boolean(
    'false',
    'Whether only brokers may change znodes, and read those that hold secrets; needs a login to ZooKeeper.',
  ),
  'zookeeper.max.in.flight.requests': int('10', 'Requests to ZooKeeper at a time.', { validator: atLeast(1) }),
  'zookeeper.clientCnxnSocket': string(null, 'Java class of the connection.', noEffect),
  'zookeeper.ssl.client.enable': boolean('false', 'Whether ZooKeeper is reached by TLS.', {
    refusal: 'TLS to ZooKeeper is not served yet; leave the key out',
  }),
  'zookeeper.ssl.keystore.location': string(null, 'Key store.', noEffect),
  'zookeeper.ssl.keystore.password': password(null, 'Password of the key store.', noEffect),
  'zookeeper.ssl.keystore.type': string(null, 'Form of the key store.', noEffect),
  'zookeeper.ssl.truststore.location': string(null, 'Trust store.', noEffect),
  'zookeeper.ssl.truststore.password': password(null, 'Password of the trust store.', noEffect),
  'zookeeper.ssl.truststore.type': string(null, 'Form of the trust store.', noEffect),
  'zookeeper.ssl.protocol': string('TLSv1.2', 'TLS version.', noEffect),
  'zookeeper.ssl.enabled.protocols': list(null, 'TLS versions.', noEffect),
  'zookeeper.ssl.cipher.suites': list(null, 'TLS cipher suites.', noEffect),
  'zookeeper.ssl.endpoint.identification.algorithm': string('HTTPS', 'How a server\u2019s name is checked.', noEffect),
  'zookeeper.ssl.crl.enable': boolean('false', 'Whether revocation lists are read.', noEffect),
  'zookeeper.ssl.ocsp.enable': boolean('false', 'Whether OCSP is asked.', noEffect),
}

/** Java system properties, for Apache's broker in KAFKA_OPTS; here they stand in the file as keys. */
export const systemPropertyKeys = {
  'java.security.auth.login.config': string(
    null,
    'A JAAS file. Its section Client is the login to ZooKeeper (DIGEST-MD5), its section KafkaServer that of listeners without sasl.jaas.config.',
  ),
  'zookeeper.sasl.client': boolean('true', 'Whether to log in to ZooKeeper where the JAAS file says how.'),
  'zookeeper.sasl.clientconfig': string('Client', 'The section of the JAAS file with the login to ZooKeeper.'),
}
