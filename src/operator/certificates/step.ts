import type { Cluster } from '../../api/index.ts'
import { secrets, type Secret } from '../../kube/resources.ts'
import { textOf } from '../../kube/secret-data.ts'
import { keyOf, keyText } from '../../kube/types.ts'
import { certificatesIn, type Certificate } from '../../security/certificates.ts'
import { allListenersOf, type Listener } from '../cluster/listeners/listeners.ts'
import { CLIENTS_CA_FILE, CLUSTER_CA_FILE } from '../cluster/pods/mounts.ts'
import type { Finding, Pass, Step, Warning } from '../cluster/steps.ts'
import type { Environment } from '../environment.ts'
import { type AuthorityName, authoritySecret, certificatesSecret, namespaceOf, zooKeeperCertificatesSecret } from '../names.ts'
import { stalled, type Verdict } from '../reasons.ts'
import { advance, endOf, trustOf, type Authority, type Terms } from './authority.ts'
import type { CertificateEnd } from './ends.ts'
import { readGiven } from './given.ts'
import { hostsOf } from './hosts.ts'
import { issue, namesMissingIn, whyAnew, type Wish } from './leaf.ts'
import { authorityKeySecret, authoritySecrets, isOurs, readAuthority, secretOf } from './secrets.ts'
import { CA_FILE, hasServerTls, KEYSTORE_FILE } from '../zookeeper/server-tls.ts'
import { serverWish } from './zookeeper.ts'

const DAY_MS = 86_400_000
/** With another value than the one that was seen last, both authorities are renewed. */
export const RENEW = 'sofakafka.io/renew-certificates'

export const termsOf = ({ spec }: Cluster): Terms => ({
  validityMs: (spec.certificates?.validityDays ?? 365) * DAY_MS,
  renewalMs: (spec.certificates?.renewalDays ?? 30) * DAY_MS,
})

/** What one look at the certificates of a Cluster gathers. */
type Look = {
  environment: Environment
  cluster: Cluster
  terms: Terms
  nowMs: number
  /** What the brokers' pods mount, as it is. */
  mounted: Secret | undefined
  /** As it shall be. */
  texts: Record<string, string>
  notes: string[]
  verdicts: Verdict[]
  warnings: Warning[]
  ends: CertificateEnd[]
  pass: Pass
}

/** Certificates of listeners: authorities and certificates of the operator's own, or those of a user's Secret. Renewed before they end; brokers that run read them anew. */
export const certificates: Step = {
  name: 'certificates',
  run: async (pass) => {
    const { environment, cluster } = pass
    const listeners = allListenersOf(cluster).filter(({ hasTls }) => hasTls)
    const hasServers = hasServerTls(cluster)
    if (listeners.length === 0 && !hasServers) {
      environment.certificateEnds.forget(keyOf(cluster))
      return undefined
    }
    const look = await begin(pass)
    const isOwn = hasServers || listeners.some(({ secretName }) => secretName === undefined)
    const brokersCa = isOwn ? await keepAuthority(look, 'cluster-ca') : undefined
    const clientsCa = listeners.some(({ hasClientCertificates }) => hasClientCertificates)
      ? await keepAuthority(look, 'clients-ca')
      : undefined
    if (brokersCa) look.texts[CLUSTER_CA_FILE] = trustOf(brokersCa).join('')
    if (clientsCa) look.texts[CLIENTS_CA_FILE] = trustOf(clientsCa).join('')
    for (const listener of listeners) {
      if (listener.secretName !== undefined) await takeGiven(look, listener, listener.secretName)
      else if (brokersCa) keepOwn(look, listener, brokersCa)
    }
    if (hasServers && brokersCa) await keepServers(look, brokersCa)
    if (listeners.length > 0) await writeMounted(look)
    await tell(look)
    environment.certificateEnds.set(keyOf(cluster), look.ends)
    return findingOf(look)
  },
}

const begin = async (pass: Pass): Promise<Look> => {
  const { environment, cluster } = pass
  const mounted = await environment.kube.get(secrets, { namespace: namespaceOf(cluster), name: certificatesSecret(cluster) })
  const common = { texts: {}, notes: [], verdicts: [], warnings: [], ends: [] }
  return { ...common, environment, cluster, terms: termsOf(cluster), nowMs: environment.wall.nowMs(), mounted, pass }
}

/** Takes an authority one step further, or makes it. The keys are written before anybody is told to trust them. */
const keepAuthority = async (look: Look, name: AuthorityName): Promise<Authority | undefined> => {
  const { environment, cluster, terms, nowMs } = look
  const namespace = namespaceOf(cluster)
  const read = (secretName: string) => environment.kube.get(secrets, { namespace, name: secretName })
  const keys = await read(authorityKeySecret(cluster.metadata.name, name))
  const known = readAuthority(keys)
  const published = known ? undefined : await read(authoritySecret(cluster.metadata.name, name))
  const foreign = [keys, published].find((secret) => secret && !isOurs(secret, cluster))
  if (foreign) {
    look.verdicts.push(
      stalled(
        'SecretConflict',
        `the Secret ${foreign.metadata.name} is not one that the operator made for this Cluster: rename or delete it`,
      ),
    )
    return undefined
  }
  const asked = cluster.metadata.annotations?.[RENEW]
  const isForced = known !== undefined && asked !== undefined && asked !== known.renewedFor
  const orphans = certificatesIn(textOf(published, 'ca.crt') ?? '')
  const { authority, notes } = advance(known?.authority, { name: `${cluster.metadata.name} ${name}`, terms, nowMs, isForced, orphans })
  for (const secret of authoritySecrets(cluster, name, authority, asked ?? known?.renewedFor)) await environment.kube.apply(secrets, secret)
  look.notes.push(...notes)
  look.ends.push({ type: name, endsMs: endOf(authority.active.certificatePem) })
  return authority
}

const splitKeystore = (pem: string | undefined): Certificate | undefined => {
  const [certificatePem] = certificatesIn(pem ?? '')
  const [keyPem] = pem?.match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/) ?? []
  return certificatePem !== undefined && keyPem !== undefined ? { certificatePem, keyPem: `${keyPem}\n` } : undefined
}

const keystoreKey = ({ name }: Listener): string => `${name}.pem`

/** The operator's own certificate of a listener. */
const keepOwn = (look: Look, listener: Listener, authority: Authority): void => {
  const { cluster, terms, nowMs, pass } = look
  const wish: Wish = {
    commonName: `${cluster.metadata.name}-kafka`,
    hosts: hostsOf(cluster, listener, pass),
    purposes: ['server', 'client'],
  }
  const present = splitKeystore(textOf(look.mounted, keystoreKey(listener)))
  const terminal = { authority, terms, nowMs }
  const why = whyAnew(present, wish, terminal)
  const certificate = why === undefined ? present! : issue(wish, terminal)
  if (why !== undefined) look.notes.push(`certificate of the listener ${listener.name} made: ${why}`)
  look.texts[keystoreKey(listener)] = certificate.keyPem + certificate.certificatePem
  look.ends.push({ type: 'listener', listener: listener.name, endsMs: endOf(certificate.certificatePem) })
  pass.inputs.listeners?.authorities.set(listener.name, trustOf(authority))
}

/** The certificate of the Cluster's own ensemble of ZooKeeper, in a Secret of its own. */
const keepServers = async (look: Look, authority: Authority): Promise<void> => {
  const { environment, cluster, terms, nowMs } = look
  const name = zooKeeperCertificatesSecret(cluster)
  const before = await environment.kube.get(secrets, { namespace: namespaceOf(cluster), name })
  if (before && !isOurs(before, cluster)) throw new Error(`the Secret ${name} is somebody else's: rename or delete it`)
  const wish = serverWish(cluster)
  const terminal = { authority, terms, nowMs }
  const present = splitKeystore(textOf(before, KEYSTORE_FILE))
  const why = whyAnew(present, wish, terminal)
  const certificate = why === undefined ? present! : issue(wish, terminal)
  if (why !== undefined) look.notes.push(`certificate of ZooKeeper made: ${why}`)
  const texts = { [KEYSTORE_FILE]: certificate.keyPem + certificate.certificatePem, [CA_FILE]: trustOf(authority).join('') }
  await environment.kube.apply(secrets, secretOf(cluster, name, texts), { live: before })
  look.ends.push({ type: 'zookeeper', endsMs: endOf(certificate.certificatePem) })
}

const authoritiesKey = ({ name }: Listener): string => `${name}.ca.crt`

/** A certificate out of a user's Secret. One that cannot be used changes nothing: the one before stays. */
const takeGiven = async (look: Look, listener: Listener, secretName: string): Promise<void> => {
  const { environment, cluster, mounted, pass, nowMs, terms } = look
  const given = readGiven(await environment.kube.get(secrets, { namespace: namespaceOf(cluster), name: secretName }), nowMs)
  const what = `the Secret ${secretName} of the listener ${listener.name}`
  if (typeof given !== 'string') {
    const { keystorePem, authorities, endsMs, certificate } = given
    look.texts[keystoreKey(listener)] = keystorePem
    if (authorities.length > 0) look.texts[authoritiesKey(listener)] = authorities.join('')
    if (textOf(mounted, keystoreKey(listener)) !== keystorePem)
      look.notes.push(`certificate of the listener ${listener.name} taken from the Secret ${secretName}`)
    const unnamed = namesMissingIn(certificate, hostsOf(cluster, listener, pass))
    if (unnamed.length > 0) {
      const message = `${what} has a certificate without ${unnamed.slice(0, 3).join(', ')}: clients that check names refuse it there`
      look.warnings.push({ reason: 'CertificateInvalid', message })
    }
    if (endsMs - nowMs <= terms.renewalMs / 4) look.warnings.push(endsSoon(what, endsMs))
  } else {
    const present = textOf(mounted, keystoreKey(listener))
    const rest = present === undefined ? 'the brokers wait for it' : 'the one before stays in use'
    look.verdicts.push(stalled('CertificateInvalid', `${what} ${given}; ${rest}`))
    if (present === undefined) {
      pass.inputs.listeners?.waitsFor.push(`the certificate of the listener ${listener.name}`)
      return
    }
    look.texts[keystoreKey(listener)] = present
    const authorities = textOf(mounted, authoritiesKey(listener))
    if (authorities) look.texts[authoritiesKey(listener)] = authorities
  }
  const [leafPem] = certificatesIn(look.texts[keystoreKey(listener)]!)
  look.ends.push({ type: 'listener', listener: listener.name, endsMs: endOf(leafPem!) })
  pass.inputs.listeners?.authorities.set(listener.name, certificatesIn(look.texts[authoritiesKey(listener)] ?? ''))
}

const endsSoon = (what: string, endsMs: number): Warning => ({
  reason: 'CertificateExpiring',
  message: `${what} has a certificate that ends on ${new Date(endsMs).toISOString().slice(0, 10)}: renew it`,
})

const writeMounted = async ({ environment, cluster, mounted, texts }: Look): Promise<void> => {
  if (mounted && !isOurs(mounted, cluster)) throw new Error(`the Secret ${mounted.metadata.name} is somebody else's: rename or delete it`)
  await environment.kube.apply(secrets, secretOf(cluster, certificatesSecret(cluster), texts), { live: mounted })
}

const tell = async ({ environment, cluster, notes }: Look): Promise<void> => {
  for (const note of notes) {
    environment.logger.info({ cluster: keyText(keyOf(cluster)) }, note)
    await environment.events.record(cluster, { type: 'Normal', reason: 'CertificateRenewed', action: 'Reconcile', note })
  }
}

const findingOf = async ({ environment, cluster, verdicts, warnings }: Look): Promise<Finding> => {
  const said = cluster.status?.conditions?.map(({ message }) => message).join('\n') ?? ''
  for (const { reason, message } of [...verdicts, ...warnings]) {
    if (said.includes(message)) continue
    await environment.events.record(cluster, { type: 'Warning', reason, action: 'Reconcile', note: message })
  }
  const [verdict] = verdicts
  if (!verdict) return { warnings }
  return { verdict: { ...verdict, message: verdicts.map(({ message }) => message).join('; ') }, warnings }
}
