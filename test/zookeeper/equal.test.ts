import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { startEmbeddedZooKeeper, type StartedZooKeeper } from '../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../src/embedded-zookeeper/zoo-cfg.ts'
import { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { removeDirectory, startApacheZooKeeper, temporaryDirectory, type ApacheServer } from '../support/apache.ts'
import { runJava } from '../support/java.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { lacks } from '../support/needs.ts'
import { JAAS, SASL_USER } from './contract.ts'
import { randomOperations } from './random-operations.ts'

const DRIVER = join('test', 'zookeeper', 'java', 'ClientDriver.java')
const CLIENT_JAAS = `Client {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  username="kafka" password="pä$$ \\"word\\\\";
};
`

describe.skipIf(lacks('java', 'maven'))('the embedded server and Apache 3.9', () => {
  let directory: string
  let embedded: StartedZooKeeper
  let apache: ApacheServer
  const jvm = () => [
    `-Djava.security.auth.login.config=${join(directory, 'jaas.conf')}`,
    '-Dzookeeper.fips-mode=false',
    '-Dfile.encoding=UTF-8',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
  ]

  beforeAll(async () => {
    directory = temporaryDirectory('java-client')
    writeFileSync(join(directory, 'jaas.conf'), JAAS + CLIENT_JAAS)
    const config = parseZooConfig('tickTime=500\ndataDir=/zk\nclientPort=0\nclientPortAddress=127.0.0.1', {
      saslUsers: new Map([[SASL_USER.username, SASL_USER.password]]),
    })
    const clocks = { monotonic: monotonicClock, wall: wallClock }
    embedded = await startEmbeddedZooKeeper({ config, disk: new MemoryDisk(), clocks, logger: silentLogger })
    const extra = ['authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider']
    apache = await startApacheZooKeeper('zookeeper-3.9', { jvm: jvm(), extra })
  })
  afterAll(async () => {
    await embedded?.stop()
    await apache?.stop()
    removeDirectory(directory)
    if (apache) removeDirectory(apache.dataDir)
  })

  test("are the same to Apache's Java client", async () => {
    const [ours, theirs] = await Promise.all(
      [embedded.address, apache.connect].map((address) => runJava('zookeeper-3.9', DRIVER, [address], { jvm: jvm() })),
    )
    expect(ours!.split('\n')).toEqual(theirs!.split('\n'))
    expect(ours).toContain('login: sasl')
    expect(ours).toContain('bad acl: INVALIDACL')
    expect(ours).not.toContain('unexpected')
    expect(ours!.split('\n').length).toBeGreaterThan(50)
  })

  // Seeds whose operations meet every refusal that is named below.
  test.each([1, 3, 4])(
    'answer thousands of random operations alike, and send the same events (seed %d)',
    { timeout: 60_000 },
    async (seed) => {
      const play = async (port: number): Promise<string[]> => {
        const options = { servers: [{ host: '127.0.0.1', port }], sessionTimeoutMs: 8000, clock: monotonicClock, logger: silentLogger }
        const chroot = `/random-${seed}`
        const root = await ZooKeeperClient.connect(options)
        for (const path of [chroot, `${chroot}/zookeeper`, `${chroot}/zookeeper/quota`]) await root.create(path, null)
        const clients = await Promise.all([
          ZooKeeperClient.connect({ ...options, chroot }),
          ZooKeeperClient.connect({ ...options, chroot, auth: [{ scheme: 'digest', auth: 'ann:x' }] }),
        ])
        const lines = await randomOperations(clients, seed, 1000)
        await Promise.all([root, ...clients].map((client) => client.close()))
        return lines
      }
      const [ours, theirs] = await Promise.all([play(embedded.port), play(apache.port)])
      expect(ours).toEqual(theirs)
      for (const word of [
        'NODE_EXISTS',
        'NO_AUTH',
        'BAD_VERSION',
        'NOT_EMPTY',
        'INVALID_ACL',
        'NO_CHILDREN_FOR_EPHEMERALS',
        'NODE_DELETED',
        'RUNTIME_INCONSISTENCY',
      ]) {
        expect(
          ours!.some((line) => line.includes(word)),
          word,
        ).toBe(true)
      }
    },
  )
})
