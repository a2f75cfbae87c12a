import type { Acl, Cluster, Topic, User } from '../../../src/api/index.ts'
import { acl, cluster, topic, user } from './objects.ts'

type Kind = Cluster | Topic | User | Acl
/** One refused thing: what was there before (undefined: nothing), what is written, and words of the answer. */
export type Rule = { what: string; before?: Kind; write: Kind; words: string }

const NS = 'ns'
const group = (more: Record<string, unknown> = {}) => ({ name: 'kafka', replicas: 3, storage: { size: '1Gi' }, ...more })
const withListener = (more: Record<string, unknown>) => cluster('a', NS, { listeners: [{ name: 'one', port: 9092, ...more }] })
const withConfig = (key: string) => cluster('a', NS, { config: { [key]: 'x' } })

/** Every rule of crds/ with something that it refuses. */
export const RULES: Rule[] = [
  { what: 'a Cluster name of 41 characters', write: cluster('a'.repeat(41), NS), words: 'at most 40 characters' },
  { what: 'a Cluster name with a dot', write: cluster('a.b', NS), words: 'letters, digits and dashes only' },
  {
    what: 'Cluster and group names that are too long together',
    write: cluster('a'.repeat(40), NS, { brokers: [group({ name: `${'b'.repeat(10)}-kafka` })] }),
    words: 'at most 51 characters together',
  },
  {
    what: 'an ensemble',
    write: cluster('a', NS, { zookeeper: { replicas: 3, storage: { size: '1Gi' } } }),
    words: 'an ensemble of 3, 5 or 7 runs Apache ZooKeeper: say zookeeper.image',
  },
  ...[2, 4, 6, 0, 9].map((replicas) => ({
    what: `${replicas} servers of ZooKeeper`,
    write: cluster('a', NS, { zookeeper: { replicas, image: 'zookeeper:3.9', storage: { size: '1Gi' } } }),
    words: 'zookeeper.replicas must be 1, 3, 5 or 7',
  })),
  {
    what: 'a ZooKeeper of its own and an external one',
    write: cluster('a', NS, { zookeeper: { storage: { size: '1Gi' }, external: { connect: 'zk:2181' } } }),
    words: 'one of the two',
  },
  { what: 'no ZooKeeper', write: cluster('a', NS, { zookeeper: {} }), words: 'one of the two' },
  {
    what: 'an external ZooKeeper later',
    before: cluster('a', NS),
    write: cluster('a', NS, { zookeeper: { external: { connect: 'zk:2181' } } }),
    words: 'zookeeper.external cannot be set or unset later',
  },
  {
    what: 'an image beside an external ZooKeeper',
    write: cluster('a', NS, { zookeeper: { image: 'zookeeper:3.9', external: { connect: 'zk:2181' } } }),
    words: 'leave them out beside zookeeper.external',
  },
  {
    what: 'another ZooKeeper program',
    before: cluster('a', NS),
    write: cluster('a', NS, { zookeeper: { image: 'zookeeper:3.9', storage: { size: '1Gi' } } }),
    words: 'zookeeper.image cannot be set or unset later',
  },
  {
    what: 'TLS to a ZooKeeper that runs without',
    before: cluster('a', NS, { zookeeper: { image: 'zookeeper:3.9', storage: { size: '1Gi' } } }),
    write: cluster('a', NS, { zookeeper: { image: 'zookeeper:3.9', storage: { size: '1Gi' }, tls: { enabled: true } } }),
    words: 'zookeeper.tls cannot be changed',
  },
  {
    what: 'TLS to one server of our own',
    write: cluster('a', NS, { zookeeper: { storage: { size: '1Gi' }, tls: { enabled: true } } }),
    words: 'zookeeper.tls is of an ensemble',
  },
  {
    what: 'metrics of one server of our own',
    write: cluster('a', NS, { zookeeper: { storage: { size: '1Gi' }, metrics: { enabled: true } } }),
    words: 'zookeeper.metrics is of an ensemble',
  },
  {
    what: 'the class of a load balancer where there is none',
    write: withListener({ type: 'NodePort', tls: { enabled: true }, service: { loadBalancerClass: 'x' } }),
    words: 'are for listeners of type LoadBalancer',
  },
  {
    what: 'a policy for traffic from outside where there is none',
    write: withListener({ service: { externalTrafficPolicy: 'Local' } }),
    words: 'service.externalTrafficPolicy is for listeners of type NodePort or LoadBalancer',
  },
  {
    what: 'another class of load balancer',
    before: withListener({ type: 'LoadBalancer', tls: { enabled: true } }),
    write: withListener({ type: 'LoadBalancer', tls: { enabled: true }, service: { loadBalancerClass: 'x' } }),
    words: 'service.loadBalancerClass cannot be changed',
  },
  {
    what: 'a login to ZooKeeper that is taken away',
    before: cluster('a', NS),
    write: cluster('a', NS, { zookeeper: { authentication: { type: 'None' }, storage: { size: '1Gi' } } }),
    words: 'zookeeper.authentication cannot be taken away',
  },
  {
    what: 'ACLs in an external ZooKeeper without a login',
    write: cluster('a', NS, { zookeeper: { external: { connect: 'zk:2181', setAcl: true } } }),
    words: 'zookeeper.external.setAcl needs a login',
  },
  {
    what: 'a migration without the other cluster\u2019s ZooKeeper',
    write: cluster('a', NS, { migration: { listener: { name: 'PLAINTEXT', port: 9095, securityProtocol: 'PLAINTEXT' } } }),
    words: 'migration needs the ZooKeeper of the cluster that is taken over',
  },
  ...(
    [
      [{ port: 9092 }, 'migration.listener.port is the port of one of the listeners'],
      [{ port: 9404 }, 'ports 9091 (among brokers) and 9404 (metrics) are taken'],
      [{ name: 'REPLICATION' }, 'the listener REPLICATION is the one among'],
    ] as const
  ).map(([more, words]) => ({
    what: `a migration by ${JSON.stringify(more)}`,
    write: cluster('a', NS, {
      zookeeper: { external: { connect: 'zk:2181' } },
      migration: { listener: { name: 'PLAINTEXT', port: 9095, securityProtocol: 'PLAINTEXT', ...more } },
    }),
    words,
  })),
  {
    what: 'another chroot',
    before: cluster('a', NS, { zookeeper: { external: { connect: 'zk:2181/a' } } }),
    write: cluster('a', NS, { zookeeper: { external: { connect: 'zk:2181,zk2:2181/b' } } }),
    words: 'the chroot in zookeeper.external.connect cannot be changed',
  },
  {
    what: 'a smaller ZooKeeper volume',
    before: cluster('a', NS),
    write: cluster('a', NS, { zookeeper: { storage: { size: '1000Mi' } } }),
    words: 'storage.size cannot become smaller',
  },
  {
    what: 'a smaller broker volume',
    before: cluster('a', NS),
    write: cluster('a', NS, { brokers: [group({ storage: { size: '1G' } })] }),
    words: 'storage.size cannot become smaller',
  },
  {
    what: 'a storage class that is set later',
    before: cluster('a', NS),
    write: cluster('a', NS, { zookeeper: { storage: { size: '1Gi', storageClassName: 'ssd' } } }),
    words: 'storageClassName cannot be changed, set or unset',
  },
  {
    what: 'a storage class that is unset',
    before: cluster('a', NS, { zookeeper: { storage: { size: '1Gi', storageClassName: 'ssd' } } }),
    write: cluster('a', NS),
    words: 'storageClassName cannot be changed, set or unset',
  },
  {
    what: 'a group with the ids of one that is taken away',
    before: cluster('a', NS, { brokers: [group(), group({ name: 'big-kafka', firstId: 100 })] }),
    write: cluster('a', NS, { brokers: [group(), group({ name: 'new-kafka', firstId: 102 })] }),
    words: 'a new group cannot have broker ids of a group that is removed in the same change',
  },
  {
    what: 'groups whose ids overlap',
    write: cluster('a', NS, { brokers: [group(), group({ name: 'big-kafka', firstId: 2 })] }),
    words: 'the broker ids of two groups overlap',
  },
  {
    what: 'another first id',
    before: cluster('a', NS),
    write: cluster('a', NS, { brokers: [group({ firstId: 10 })] }),
    words: 'firstId cannot be changed',
  },
  { what: 'a group without a volume', write: cluster('a', NS, { brokers: [{ name: 'kafka', replicas: 1 }] }), words: 'say flavor' },
  {
    what: 'another flavor that means a smaller volume',
    before: cluster('a', NS, { brokers: [{ name: 'kafka', replicas: 1, flavor: '16C60G' }] }),
    write: cluster('a', NS, { brokers: [{ name: 'kafka', replicas: 1, flavor: '4C8G' }] }),
    words: 'the volumes of a group cannot become smaller',
  },
  {
    what: 'a volume that is said later, and smaller than that of the flavor',
    before: cluster('a', NS, { brokers: [{ name: 'kafka', replicas: 1, flavor: '4C8G' }] }),
    write: cluster('a', NS, { brokers: [group({ flavor: '4C8G', replicas: 1, storage: { size: '499Gi' } })] }),
    words: 'the volumes of a group cannot become smaller',
  },
  {
    what: 'a storage class that comes with a volume that is said later',
    before: cluster('a', NS, { brokers: [{ name: 'kafka', replicas: 1, flavor: '4C8G' }] }),
    write: cluster('a', NS, { brokers: [group({ flavor: '4C8G', replicas: 1, storage: { size: '1Ti', storageClassName: 'ssd' } })] }),
    words: 'storageClassName cannot be changed, set or unset',
  },
  { what: 'a group name that dashboards do not find', write: cluster('a', NS, { brokers: [group({ name: 'brokers' })] }), words: 'kafka$' },
  { what: 'a config key of listeners', write: withConfig('advertised.listeners'), words: 'say spec.listeners' },
  { what: 'a config key of SASL', write: withConfig('sasl.enabled.mechanisms'), words: 'config must not hold sasl.*' },
  {
    what: 'a config key of one listener',
    write: withConfig('listener.name.internal.sasl.jaas.config'),
    words: 'config must not hold sasl.*',
  },
  { what: 'a broker id in config', write: withConfig('broker.id'), words: 'say firstId and zone' },
  { what: 'a ZooKeeper key in config', write: withConfig('zookeeper.connect'), words: 'say spec.zookeeper' },
  { what: 'the log directories in config', write: withConfig('log.dirs'), words: 'say spec.zookeeper and storage' },
  { what: 'super users in config', write: withConfig('super.users'), words: 'say spec.authorization' },
  { what: 'our own keys in config', write: withConfig('sofakafka.http.listener'), words: 'the operator writes them' },
  {
    what: 'two listeners on one port',
    write: cluster('a', NS, {
      listeners: [
        { name: 'one', port: 9092 },
        { name: 'two', port: 9092 },
      ],
    }),
    words: 'two listeners have the same port',
  },
  { what: 'a listener on a taken port', write: cluster('a', NS, { listeners: [{ name: 'one', port: 9091 }] }), words: 'ports 9091' },
  {
    what: 'a listener named replication',
    write: cluster('a', NS, { listeners: [{ name: 'replication', port: 9092 }] }),
    words: 'choose another name',
  },
  {
    what: 'an external listener that does not say whether it is encrypted',
    write: withListener({ type: 'LoadBalancer' }),
    words: 'must say tls: {enabled: true}',
  },
  {
    what: 'client certificates without TLS',
    write: withListener({ authentication: { type: 'TLS' } }),
    words: 'authentication.type TLS needs tls.enabled',
  },
  {
    what: 'a listener with certificates and passwords',
    write: withListener({ tls: { enabled: true }, authentication: { type: 'TLS', mechanisms: ['SCRAM-SHA-512'] } }),
    words: 'either mechanisms (SCRAM) or type: TLS',
  },
  {
    what: 'a certificate for a listener without TLS',
    write: withListener({ tls: { enabled: false, secretRef: { name: 'x' } } }),
    words: 'tls.secretRef needs tls.enabled: true',
  },
  {
    what: 'addresses outside for an internal listener',
    write: withListener({ brokers: [{ id: 0, host: 'a.example' }] }),
    words: 'bootstrap and brokers are for listeners of type NodePort or LoadBalancer',
  },
  {
    what: 'TLS among brokers that run without',
    before: cluster('a', NS),
    write: cluster('a', NS, { interBroker: { tls: { enabled: true } } }),
    words: 'interBroker.tls cannot be changed',
  },
  {
    what: 'certificates that are renewed before they are made',
    write: cluster('a', NS, { certificates: { validityDays: 20 } }),
    words: 'must be less than validityDays',
  },
  {
    what: 'fewer partitions',
    before: topic('t', NS, { partitions: 6 }),
    write: topic('t', NS, { partitions: 3 }),
    words: 'partitions cannot become fewer',
  },
  {
    what: 'another topic name',
    before: topic('t', NS, { name: 'T1' }),
    write: topic('t', NS, { name: 'T2' }),
    words: 'name cannot be changed, set or unset',
  },
  {
    what: 'a topic name that is set',
    before: topic('t', NS),
    write: topic('t', NS, { name: 't' }),
    words: 'name cannot be changed, set or unset',
  },
  {
    what: 'a topic name that is unset',
    before: topic('t', NS, { name: 't' }),
    write: topic('t', NS),
    words: 'name cannot be changed, set or unset',
  },
  { what: 'a topic named ..', write: topic('t', NS, { name: '..' }), words: 'Kafka has no topics named' },
  { what: "a topic of Kafka's own", write: topic('t', NS, { name: '__consumer_offsets' }), words: "are Kafka's own" },
  {
    what: 'a topic of another Cluster',
    before: topic('t', NS),
    write: topic('t', NS, { clusterRef: { name: 'b' } }),
    words: 'clusterRef cannot be changed',
  },
  {
    what: 'a clusterRef whose namespace is set',
    before: user('u', NS),
    write: user('u', NS, { clusterRef: { name: 'ant', namespace: 'other' } }),
    words: 'clusterRef cannot be changed',
  },
  {
    what: 'a clusterRef whose namespace is unset',
    before: acl('x', NS, { clusterRef: { name: 'ant', namespace: 'other' } }),
    write: acl('x', NS),
    words: 'clusterRef cannot be changed',
  },
  {
    what: 'another user name',
    before: user('u', NS, { username: 'a' }),
    write: user('u', NS, { username: 'b' }),
    words: 'username cannot be changed',
  },
  { what: 'a user name that is set', before: user('u', NS), write: user('u', NS, { username: 'u' }), words: 'username cannot be changed' },
  { what: "the operator's own user name", write: user('u', NS, { username: 'sofakafka-operator' }), words: "are the operator's" },
  { what: "a User named like the brokers' own", write: user('sofakafka-broker', NS), words: "are the operator's" },
  {
    what: 'a TLS user with a password',
    write: user('u', NS, { authentication: { type: 'TLS', password: { secretKeyRef: { name: 'x', key: 'y' } } } }),
    words: 'has a certificate and no password',
  },
  {
    what: 'a TLS user whose name does not fit into a certificate',
    write: user('u', NS, { username: 'a+b', authentication: { type: 'TLS' } }),
    words: 'at most 64 letters',
  },
  { what: 'an Acl with user and principal', write: acl('x', NS, { principal: 'User:app' }), words: 'say either user' },
  {
    what: 'an Acl for another user',
    before: acl('x', NS),
    write: acl('x', NS, { user: 'other' }),
    words: 'user and principal cannot be changed',
  },
  { what: "an Acl for the operator's own user", write: acl('x', NS, { user: 'sofakafka-operator' }), words: 'they may do everything' },
  {
    what: "an Acl for the operator's own principal",
    write: acl('x', NS, { user: undefined, principal: 'User:sofakafka-operator' }),
    words: 'they may do everything',
  },
  {
    what: 'a rule for a Topic without a name',
    write: acl('x', NS, { rules: [{ resource: { type: 'Topic' }, operations: ['Read'] }] }),
    words: 'a resource has a name',
  },
  {
    what: 'a rule for the Cluster with a name',
    write: acl('x', NS, { rules: [{ resource: { type: 'Cluster', name: 'x' }, operations: ['Alter'] }] }),
    words: 'a resource has a name, except the Cluster',
  },
  {
    what: 'a prefix that is a star',
    write: acl('x', NS, { rules: [{ resource: { type: 'Topic', name: '*', patternType: 'Prefixed' }, operations: ['Read'] }] }),
    words: 'for every name say patternType Literal',
  },
  ...(
    [
      ['Topic', 'IdempotentWrite', 'of a Topic there are'],
      ['Group', 'Write', 'of a Group there are'],
      ['TransactionalId', 'Read', 'of a TransactionalId there are'],
      ['DelegationToken', 'Delete', 'of a DelegationToken there are'],
    ] as const
  ).map(([type, operation, words]) => ({
    what: `${operation} of a ${type}`,
    write: acl('x', NS, { rules: [{ resource: { type, name: 'x' }, operations: [operation] }] }),
    words,
  })),
  {
    what: 'Read of the Cluster',
    write: acl('x', NS, { rules: [{ resource: { type: 'Cluster' }, operations: ['Read'] }] }),
    words: 'of the Cluster there are',
  },
  {
    what: 'a host that is a name',
    write: acl('x', NS, { rules: [{ resource: { type: 'Topic', name: 'x' }, operations: ['Read'], host: 'app.example.com' }] }),
    words: 'host is one address',
  },
  {
    what: "a prefix that takes in Kafka's own topics",
    write: cluster('a', NS, { allowedNamespaces: [{ name: 'team', prefixes: ['__'] }] }),
    words: 'a prefix must not be _ or *',
  },
]
