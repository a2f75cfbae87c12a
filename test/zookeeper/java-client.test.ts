import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { startEmbeddedZooKeeper } from '../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../src/embedded-zookeeper/zoo-cfg.ts'
import { removeDirectory, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { runJava } from '../support/java.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { lacks } from '../support/needs.ts'
import { JAAS, SASL_USER } from './contract.ts'

const DRIVER = join('test', 'zookeeper', 'java', 'ClientDriver.java')
const CLIENT_JAAS = `Client {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  username="kafka" password="pä$$ \\"word\\\\";
};
`

describe.skipIf(lacks('java', 'maven'))("Apache's Java client", () => {
  let directory: string
  const jvm = () => [
    `-Djava.security.auth.login.config=${join(directory, 'jaas.conf')}`,
    '-Dzookeeper.fips-mode=false',
    '-Dfile.encoding=UTF-8',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
  ]
  const drive = (address: string) => runJava('zookeeper-3.9', DRIVER, [address], { jvm: jvm() })

  beforeAll(() => {
    directory = temporaryDirectory('java-client')
    writeFileSync(join(directory, 'jaas.conf'), JAAS + CLIENT_JAAS)
  })
  afterAll(() => removeDirectory(directory))

  test('sees no difference between the embedded server and Apache 3.9', async () => {
    const config = parseZooConfig('tickTime=500\ndataDir=/zk\nclientPort=0\nclientPortAddress=127.0.0.1', {
      saslUsers: new Map([[SASL_USER.username, SASL_USER.password]]),
    })
    const clocks = { monotonic: monotonicClock, wall: wallClock }
    const embedded = await startEmbeddedZooKeeper({ config, disk: new MemoryDisk(), clocks, logger: silentLogger })
    const ours = await drive(embedded.address)
    await embedded.stop()
    const extra = ['authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider']
    const apache = await startApacheZooKeeper('zookeeper-3.9', { jvm: jvm(), extra })
    const theirs = await drive(apache.connect)
    await apache.stop()
    removeDirectory(apache.dataDir)
    expect(ours.split('\n')).toEqual(theirs.split('\n'))
    expect(ours).toContain('login: sasl')
    expect(ours).toContain('bad acl: INVALIDACL')
    expect(ours).not.toContain('unexpected')
    expect(ours.split('\n').length).toBeGreaterThan(50)
  })
})
