import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { startEmbeddedZooKeeper } from '../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../src/embedded-zookeeper/zoo-cfg.ts'
import { removeDirectory, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { freePort } from '../support/net.ts'
import { JAAS, SASL_USER, type Subject } from './contract.ts'

export const embedded = async (): Promise<Subject> => {
  const dataDir = temporaryDirectory('embedded')
  const port = await freePort()
  const text = `tickTime=500\ndataDir=${dataDir}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0`
  const config = parseZooConfig(text, { saslUsers: new Map([[SASL_USER.username, SASL_USER.password]]) })
  const start = () =>
    startEmbeddedZooKeeper({ config, disk: nodeDisk, clocks: { monotonic: monotonicClock, wall: wallClock }, logger: silentLogger })
  let server = await start()
  return {
    port,
    restart: async () => {
      await server.stop()
      server = await start()
    },
    stop: async () => {
      await server.stop()
      removeDirectory(dataDir)
    },
  }
}

export const apache = async (set: 'zookeeper-3.5.9' | 'zookeeper-3.9'): Promise<Subject> => {
  const dataDir = temporaryDirectory('zk')
  const port = await freePort()
  const jaas = join(dataDir, 'jaas.conf')
  writeFileSync(jaas, JAAS)
  const jvm = [`-Djava.security.auth.login.config=${jaas}`, '-Dzookeeper.fips-mode=false', '-Dfile.encoding=UTF-8']
  const extra = ['authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider']
  const start = () => startApacheZooKeeper(set, { dataDir, port, jvm, extra })
  let server = await start()
  return {
    port,
    restart: async () => {
      await server.stop()
      server = await start()
    },
    stop: async () => {
      await server.stop()
      removeDirectory(dataDir)
    },
  }
}
