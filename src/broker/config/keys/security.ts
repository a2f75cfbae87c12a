import { atLeast, between, boolean, className, double, int, list, long, oneOf, password, short, string } from '../key.ts'

const perBroker = { scope: 'per-broker' } as const
const noEffect = { support: 'no effect' } as const
const noEffectPerBroker = { ...noEffect, ...perBroker } as const
const kerberos = noEffectPerBroker
const oauth = noEffectPerBroker
const javaClass = (instead: string) => ({ refusal: `Java classes cannot be loaded; ${instead}` }) as const

/** Who a client is and what it may do. */
export const securityKeys = {
  'authorizer.class.name': string(
    '',
    'kafka.security.authorizer.AclAuthorizer (or kafka.security.auth.SimpleAclAuthorizer) checks ACLs; empty allows everything.',
  ),
  'principal.builder.class': className(null, 'A Java class that makes a principal of a login.', {
    ...perBroker,
    ...javaClass('leave the key out'),
  }),
  'security.inter.broker.protocol': string('PLAINTEXT', 'The protocol among brokers where inter.broker.listener.name is absent.'),
  'security.providers': string(null, 'Java security providers.', noEffect),
  'sasl.enabled.mechanisms': list(
    'GSSAPI',
    'Mechanisms of SASL listeners: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; others are not offered.',
    perBroker,
  ),
  'sasl.mechanism.inter.broker.protocol': string('GSSAPI', 'The mechanism among brokers.', perBroker),
  'sasl.jaas.config': password(null, 'Login of a listener in JAAS form: its own user, and for PLAIN all users.', perBroker),
  'sasl.server.callback.handler.class': className(
    null,
    'A Java class that checks logins.',
    javaClass('use SCRAM users or PLAIN users in sasl.jaas.config'),
  ),
  'sasl.client.callback.handler.class': className(null, 'A Java class for logins among brokers.', javaClass('leave the key out')),
  'sasl.login.callback.handler.class': className(null, 'A Java class for logins.', javaClass('leave the key out')),
  'sasl.login.class': className(null, 'A Java class for logins.', javaClass('leave the key out')),
  'sasl.kerberos.service.name': string(null, 'Kerberos service of the brokers.', kerberos),
  'sasl.kerberos.kinit.cmd': string('/usr/bin/kinit', 'Path of kinit.', kerberos),
  'sasl.kerberos.ticket.renew.window.factor': double('0.8', 'When Kerberos tickets are renewed.', kerberos),
  'sasl.kerberos.ticket.renew.jitter': double('0.05', 'Jitter of Kerberos renewals.', kerberos),
  'sasl.kerberos.min.time.before.relogin': long('60000', 'Pause between two Kerberos logins.', kerberos),
  'sasl.kerberos.principal.to.local.rules': list('DEFAULT', 'Rules from Kerberos principals to user names.', kerberos),
  'sasl.login.refresh.window.factor': double('0.8', 'When OAuth tokens are renewed.', oauth),
  'sasl.login.refresh.window.jitter': double('0.05', 'Jitter of OAuth renewals.', oauth),
  'sasl.login.refresh.min.period.seconds': short('60', 'Pause between two OAuth renewals.', oauth),
  'sasl.login.refresh.buffer.seconds': short('300', 'Time before expiry for OAuth renewals.', oauth),
  'ssl.protocol': string(
    'TLSv1.3',
    'The oldest TLS version where ssl.enabled.protocols is empty: TLSv1.3, TLSv1.2, TLSv1.1, TLSv1 or TLS.',
    perBroker,
  ),
  'ssl.provider': string(null, 'Java TLS provider.', noEffectPerBroker),
  'ssl.cipher.suites': list('', 'Cipher suites, by the names of Java or of OpenSSL; empty: those that Node takes.', perBroker),
  'ssl.enabled.protocols': list('TLSv1.2,TLSv1.3', 'TLS versions, without a gap between them.', perBroker),
  'ssl.keystore.type': string('JKS', 'Form of the key store: PEM is served.', perBroker),
  'ssl.keystore.location': string(
    null,
    'A PEM file with private key and certificate chain, or a directory with tls.key and tls.crt; looked at again while the broker runs.',
    perBroker,
  ),
  'ssl.keystore.password': password(null, 'Password of the key store; PEM has none, see ssl.key.password.', noEffectPerBroker),
  'ssl.key.password': password(null, 'Password of the private key.', perBroker),
  'ssl.truststore.type': string('JKS', 'Form of the trust store: PEM is served.', perBroker),
  'ssl.truststore.location': string(
    null,
    'A PEM file with the certificates of who is trusted, or a directory with ca.crt; looked at again while the broker runs.',
    perBroker,
  ),
  'ssl.truststore.password': password(null, 'Password of the trust store; PEM has none.', noEffectPerBroker),
  'ssl.keymanager.algorithm': string('SunX509', 'Java key manager.', noEffectPerBroker),
  'ssl.trustmanager.algorithm': string('PKIX', 'Java trust manager.', noEffectPerBroker),
  'ssl.endpoint.identification.algorithm': string(
    'https',
    'Brokers check the host name in the certificates of other brokers; empty: they do not.',
    perBroker,
  ),
  'ssl.secure.random.implementation': string(null, 'Java random number source.', noEffectPerBroker),
  'ssl.client.auth': string('none', 'Whether clients must show a certificate; for SASL_SSL only with the prefix of a listener.', {
    ...perBroker,
    validator: oneOf('required', 'requested', 'none'),
  }),
  'ssl.engine.factory.class': className(null, 'A Java class that makes TLS engines.', { ...perBroker, ...javaClass('leave the key out') }),
  'ssl.principal.mapping.rules': string('DEFAULT', 'Rules from the owners of certificates to user names.'),
  'delegation.token.master.key': password(null, 'Key of delegation tokens.', {
    refusal: 'delegation tokens are not served; leave the key out',
  }),
  'delegation.token.max.lifetime.ms': long('604800000', 'Longest life of a delegation token.', { ...noEffect, validator: atLeast(1) }),
  'delegation.token.expiry.time.ms': long('86400000', 'Life of a delegation token.', { ...noEffect, validator: atLeast(1) }),
  'delegation.token.expiry.check.interval.ms': long('3600000', 'How often expired delegation tokens are removed.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'password.encoder.secret': password(null, 'Key of passwords stored in ZooKeeper; none are stored here.', noEffect),
  'password.encoder.old.secret': password(null, 'Former password.encoder.secret.', noEffect),
  'password.encoder.keyfactory.algorithm': string(null, 'Java key factory.', noEffect),
  'password.encoder.cipher.algorithm': string('AES/CBC/PKCS5Padding', 'Java cipher.', noEffect),
  'password.encoder.key.length': int('128', 'Key length of the cipher.', { ...noEffect, validator: atLeast(8) }),
  'password.encoder.iterations': int('4096', 'Iterations of the key factory.', { ...noEffect, validator: atLeast(1024) }),
}

/** What our authorizer reads, as Kafka's AclAuthorizer does; KafkaConfig does not declare these. */
export const authorizerKeys = {
  'super.users': string('', 'Principals that may do everything, separated by semicolons: User:admin;User:operator.'),
  'allow.everyone.if.no.acl.found': boolean('false', 'Whether a resource without any ACL is open to everyone.'),
}

/** Kafka's since 2.7 (KIP-651): PEM in the configuration itself. Kafka 2.6 does not declare these. */
export const pemKeys = {
  'ssl.keystore.key': password(null, 'The private key, PEM; in place of ssl.keystore.location.'),
  'ssl.keystore.certificate.chain': password(null, 'The certificate chain that goes with ssl.keystore.key, PEM.'),
  'ssl.truststore.certificates': password(null, 'The certificates of who is trusted, PEM; in place of ssl.truststore.location.'),
}

/** Keys of our own; Kafka has no equivalent. */
export const ownKeys = {
  'sofakafka.http.listener': string(null, 'Address of /metrics, /healthz and /readyz, http://HOST:PORT; absent: not served.'),
  'sofakafka.scram.bootstrap.dir': string(
    null,
    'A directory with a file per user whose content is the password; SCRAM entries that ZooKeeper lacks are written at start.',
  ),
  'sofakafka.inter.broker.password.file': string(
    null,
    'Properties with password and next.password, in place of the password in sasl.jaas.config; read for each connection, and the one that the other broker takes is used.',
  ),
  'sofakafka.dirty.max.bytes': long(
    '268435456',
    'Bytes written and not yet known to be on disk beyond which writes leave the event loop.',
    {
      validator: atLeast(1),
    },
  ),
  'sofakafka.queued.max.response.bytes': long('-1', 'Bytes of responses in memory over all connections; -1: a share of the memory limit.'),
  'sofakafka.worker.threads': int('2', 'Threads for compression, format conversion, recovery and reads of old records.', {
    validator: between(1, 64),
  }),
  'sofakafka.shutdown.timeout.ms': int('25000', 'A stop that takes longer exits without the clean mark.', {
    validator: between(1000, 3_600_000),
  }),
  'sofakafka.ssl.reload.interval.ms': int('10000', 'How often the files of TLS listeners are looked at for new content.', {
    validator: between(100, 3_600_000),
  }),
  'config.providers': list('', 'Names of configuration providers; file is known.'),
  'config.providers.file.class': string(
    null,
    'The class of the provider file: org.apache.kafka.common.config.provider.FileConfigProvider.',
  ),
}
