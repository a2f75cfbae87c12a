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
  'zookeeper.clientCnxnSocket': string(null, 'Java class of the connection; TLS needs none here.', noEffect),
  'zookeeper.ssl.client.enable': boolean('false', 'Whether ZooKeeper is reached by TLS, at its secureClientPort.'),
  'zookeeper.ssl.keystore.location': string(
    null,
    'The certificate that the broker shows to ZooKeeper: a PEM file with private key and certificate chain, or a directory with tls.key and tls.crt.',
  ),
  'zookeeper.ssl.keystore.password': password(null, 'Password of the private key.'),
  'zookeeper.ssl.keystore.type': string(null, 'Form of the key store: PEM is served.'),
  'zookeeper.ssl.truststore.location': string(
    null,
    'Who signs the certificates of ZooKeeper: a PEM file, or a directory with ca.crt; read anew for each connection.',
  ),
  'zookeeper.ssl.truststore.password': password(null, 'Password of the trust store; PEM has none.', noEffect),
  'zookeeper.ssl.truststore.type': string(null, 'Form of the trust store: PEM is served.'),
  'zookeeper.ssl.protocol': string('TLSv1.2', 'The oldest TLS version where zookeeper.ssl.enabled.protocols is not set.'),
  'zookeeper.ssl.enabled.protocols': list(null, 'TLS versions, without a gap between them.'),
  'zookeeper.ssl.cipher.suites': list(null, 'Cipher suites, by the names of Java or of OpenSSL.'),
  'zookeeper.ssl.endpoint.identification.algorithm': string(
    'HTTPS',
    'The host name in the certificates of ZooKeeper is checked; empty: it is not.',
  ),
  'zookeeper.ssl.crl.enable': boolean('false', 'Whether revocation lists are read.', {
    refusal: 'certificates are not looked up in revocation lists; leave the key out',
  }),
  'zookeeper.ssl.ocsp.enable': boolean('false', 'Whether OCSP is asked.', {
    refusal: 'certificates are not looked up by OCSP; leave the key out',
  }),
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
