import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { pkcs12 } from '../../src/security/pkcs12.ts'
import { authority, keyStore } from '../broker/tls/support.ts'
import { removeDirectory, startApacheKafka, temporaryDirectory } from '../support/apache.ts'
import { freePort } from '../support/net.ts'
import { type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'

export const STORE_PASSWORD = 'changeit'
const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule'
export const BOB = { username: 'bob', password: 'bob-secret' }
/** How long a login of BOB lasts, by connections.max.reauth.ms. */
export const LIFETIME_MS = 2500

export type TlsBroker = { id: number; cert: string; pass: string; metrics(): Promise<string>; output(): string; stop(): Promise<unknown> }

/** A cluster that speaks nothing but TLS: a listener CERT for who has a certificate, brokers among themselves too, and PASS for who has a password. */
export class TlsLab {
  readonly directory = temporaryDirectory('tls-lab')
  readonly #ca = authority('lab-ca')
  readonly #zookeeper: OurZooKeeper
  readonly #brokers: TlsBroker[] = []
  readonly #clients: ClusterClient[] = []

  private constructor(zookeeper: OurZooKeeper) {
    this.#zookeeper = zookeeper
    this.#write('ca.pem', this.#ca.pem)
    this.#write('ca.p12', pkcs12({ certificatesPem: [this.#ca.pem], password: STORE_PASSWORD }))
  }

  static async start(): Promise<TlsLab> {
    return new TlsLab(await startOurZooKeeper())
  }

  /** The files of a certificate: `pem` has key and chain, `p12` too. */
  store(name: string): { pem: string; p12: string; ca: string; caP12: string } {
    const certificate = this.#ca.issue(name)
    const { keyPem, certificatePem } = certificate
    return {
      pem: this.#write(`${name}.pem`, keyStore(certificate)),
      p12: this.#write(`${name}.p12`, pkcs12({ keyPem, certificatesPem: [certificatePem, this.#ca.pem], password: STORE_PASSWORD })),
      ca: join(this.directory, 'ca.pem'),
      caP12: join(this.directory, 'ca.p12'),
    }
  }

  async startOurs(id: number): Promise<TlsBroker> {
    const [cert, pass] = [await freePort(), await freePort()]
    const { pem, ca } = this.store(`broker-${id}`)
    const stores = ['ssl.keystore.type=PEM', `ssl.keystore.location=${pem}`, 'ssl.truststore.type=PEM', `ssl.truststore.location=${ca}`]
    const broker = await startOurBroker({ id, zookeeper: this.#zookeeper.connect, extra: [...this.#lines(cert, pass), ...stores] })
    const metrics = async () => (await fetch(`http://127.0.0.1:${broker.httpPort}/metrics`)).text()
    return this.#keep({ id, ports: [cert, pass], metrics, output: () => broker.program.output, stop: () => broker.stop() })
  }

  async startApache(id: number): Promise<TlsBroker> {
    const [cert, pass] = [await freePort(), await freePort()]
    const { p12, caP12 } = this.store(`broker-${id}`)
    const stores = ['keystore', 'truststore'].flatMap((store) => [
      `ssl.${store}.type=PKCS12`,
      `ssl.${store}.location=${store === 'keystore' ? p12 : caP12}`,
      `ssl.${store}.password=${STORE_PASSWORD}`,
    ])
    const extra = [...this.#lines(cert, pass), ...stores, `ssl.key.password=${STORE_PASSWORD}`]
    const broker = await startApacheKafka({ zookeeper: this.#zookeeper.connect, id, port: cert, extra })
    return this.#keep({
      id,
      ports: [cert, pass],
      metrics: () => Promise.resolve(''),
      output: () => broker.output(),
      stop: () => broker.stop(),
    })
  }

  /** As a super user with a certificate. */
  client(): ClusterClient {
    const { keyPem, certificatePem } = this.#ca.issue('admin')
    const client = new ClusterClient({
      bootstrap: this.#brokers.map(({ cert }) => ({ host: '127.0.0.1', port: Number(cert.split(':')[1]) })),
      clientId: 'tls-lab',
      clock: monotonicClock,
      logger: silentLogger,
      tls: { ca: this.#ca.pem, key: keyPem, cert: certificatePem },
    })
    this.#clients.push(client)
    return client
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close()
    await Promise.all(this.#brokers.map((broker) => broker.stop()))
    await this.#zookeeper.stop()
    removeDirectory(this.directory)
  }

  #keep(options: Pick<TlsBroker, 'id' | 'metrics' | 'output' | 'stop'> & { ports: [cert: number, pass: number] }): TlsBroker {
    const { ports, ...broker } = options
    const kept = { ...broker, cert: `127.0.0.1:${ports[0]}`, pass: `127.0.0.1:${ports[1]}` }
    this.#brokers.push(kept)
    return kept
  }

  #write(name: string, content: string | Buffer): string {
    const path = join(this.directory, name)
    writeFileSync(path, content)
    return path
  }

  #lines(cert: number, pass: number): string[] {
    return [
      `listeners=CERT://127.0.0.1:${cert},PASS://127.0.0.1:${pass}`,
      'listener.security.protocol.map=CERT:SSL,PASS:SASL_SSL',
      'inter.broker.listener.name=CERT',
      'ssl.client.auth=required',
      'ssl.principal.mapping.rules=RULE:^CN=broker-(\\\\d+)$/broker/,RULE:^CN=([^,]+)$/$1/',
      'sasl.enabled.mechanisms=PLAIN',
      `listener.name.pass.plain.sasl.jaas.config=${PLAIN_MODULE} required user_${BOB.username}="${BOB.password}";`,
      `listener.name.pass.plain.connections.max.reauth.ms=${LIFETIME_MS}`,
      'authorizer.class.name=kafka.security.authorizer.AclAuthorizer',
      `super.users=User:broker;User:admin;User:orders;User:${BOB.username}`,
      'zookeeper.session.timeout.ms=6000',
    ]
  }
}

/** Of Java clients; those before 2.7 read no PEM. */
export const javaTls = (lab: TlsLab, name?: string): Record<string, string> => {
  const { p12, caP12 } = lab.store(name ?? 'unused')
  const own = { 'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': p12, 'ssl.keystore.password': STORE_PASSWORD }
  return {
    'security.protocol': 'SSL',
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.location': caP12,
    'ssl.truststore.password': STORE_PASSWORD,
    ...(name === undefined ? {} : { ...own, 'ssl.key.password': STORE_PASSWORD }),
  }
}
export const javaBob = {
  'security.protocol': 'SASL_SSL',
  'sasl.mechanism': 'PLAIN',
  'sasl.jaas.config': `${PLAIN_MODULE} required username="${BOB.username}" password="${BOB.password}";`,
}
