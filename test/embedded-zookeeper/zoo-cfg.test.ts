import { expect, test } from 'vitest'
import { parseJaasUsers } from '../../src/embedded-zookeeper/jaas.ts'
import { parseZooConfig, readZooConfig } from '../../src/embedded-zookeeper/zoo-cfg.ts'
import { MemoryDisk } from '../support/memory-disk.ts'

const BASE = 'dataDir=/data\nclientPort=2181\n'

test('the defaults are Apache ZooKeeper’s', () => {
  expect(parseZooConfig(BASE)).toEqual({
    dataDir: '/data',
    dataLogDir: '/data',
    clientPort: 2181,
    clientPortAddress: '0.0.0.0',
    tickTimeMs: 3000,
    maxClientCnxns: 60,
    minSessionTimeoutMs: 6000,
    maxSessionTimeoutMs: 60_000,
    snapRetainCount: 3,
    snapCount: 100_000,
    commandWhitelist: ['srvr'],
    saslUsers: new Map(),
    serverId: 0,
    warnings: [],
  })
})

test('every key that has an effect is read', () => {
  const text = `${BASE}dataLogDir=/log\nclientPortAddress = 127.0.0.1 \ntickTime=500\nmaxClientCnxns=0\nminSessionTimeout=700\nmaxSessionTimeout=9000
autopurge.snapRetainCount=5\nsnapCount=20\n4lw.commands.whitelist=ruok, stat,none\nDigestAuthenticationProvider.superDigest=super:x`
  expect(parseZooConfig(text)).toMatchObject({
    dataLogDir: '/log',
    clientPortAddress: '127.0.0.1',
    tickTimeMs: 500,
    maxClientCnxns: 0,
    minSessionTimeoutMs: 700,
    maxSessionTimeoutMs: 9000,
    snapRetainCount: 5,
    snapCount: 20,
    commandWhitelist: ['ruok', 'stat'],
    superDigest: 'super:x',
    warnings: [],
  })
})

test.each([
  ['clientPort=2181', /dataDir is not set: write dataDir=/],
  ['dataDir=/data', /clientPort is not set: write clientPort=2181/],
  [`${BASE}tickTime=fast`, /tickTime=fast: write a whole number from 1/],
  [`${BASE}clientPort=70000`, /clientPort=70000: write a whole number from 0 to 65535/],
  [`${BASE}minSessionTimeout=90000`, /minSessionTimeout 90000 is larger than maxSessionTimeout 60000/],
  [
    `${BASE}server.1=a:2888:3888\nserver.2=b:2888:3888`,
    /server\.1, server\.2: the embedded ZooKeeper is one node and cannot join an ensemble/,
  ],
  [`${BASE}secureClientPort=2182`, /TLS is not served/],
])('%j is refused in words', (text, message) => {
  expect(() => parseZooConfig(text)).toThrow(message)
})

test('what has no effect, and what nobody knows, is said', () => {
  const { warnings } = parseZooConfig(`${BASE}initLimit=5\nserver.1=a:2888:3888\nclientport=1`)
  expect(warnings).toEqual([
    'initLimit has no effect in the embedded ZooKeeper',
    'server.1 is ignored: one server is no ensemble',
    'clientport is no key that the embedded ZooKeeper knows; it is ignored',
  ])
})

test('myid and the JAAS file beside zoo.cfg are read, and refused when they hold nonsense', () => {
  const disk = new MemoryDisk()
  disk.makeDirectory('/etc/zk')
  disk.makeDirectory('/data')
  disk.writeFile('/etc/zk/zoo.cfg', Buffer.from(`${BASE}sofakafka.jaas.config=jaas.conf`))
  expect(() => readZooConfig('/etc/zk/zoo.cfg', disk)).toThrow('/etc/zk/jaas.conf does not exist')
  disk.writeFile('/etc/zk/jaas.conf', Buffer.from('Server { x.DigestLoginModule required user_a="b"; };'))
  disk.writeFile('/data/myid', Buffer.from('12\n'))
  expect(readZooConfig('/etc/zk/zoo.cfg', disk)).toMatchObject({ serverId: 12, saslUsers: new Map([['a', 'b']]) })
  disk.writeFile('/data/myid', Buffer.from('one'))
  expect(() => readZooConfig('/etc/zk/zoo.cfg', disk)).toThrow("/data/myid holds 'one': write one number from 0 to 255")
  expect(() => readZooConfig('/etc/zk/other.cfg', disk)).toThrow('/etc/zk/other.cfg does not exist: give the path of a zoo.cfg')
})

test('a JAAS file gives the users of its section Server only', () => {
  const text = `// user_no="1"
Client { M required username="x" user_no="2"; };
/* Server { user_no="3"; }; */
Server {
  M required
  user_super="a }; \\"b\\"" // the first
  user_kafka="c";
};
Other { M required user_no="4"; };`
  expect(parseJaasUsers(text)).toEqual(
    new Map([
      ['super', 'a }; "b"'],
      ['kafka', 'c'],
    ]),
  )
})
