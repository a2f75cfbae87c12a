// Writes the archive of classes that startJava uses for Apache Kafka 2.6.3: `node test/support/java/train.ts FILE`. Takes 10 s, and a JVM that uses it starts in half the time.
import { spawn } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { classpath, JVM_FLAGS } from '../java.ts'
import { freePort } from '../net.ts'
import { startOurZooKeeper } from '../ours.ts'

const file = resolve(process.argv[2]!)
const WITHIN_MS = 120_000
const temporary = `${file}.${process.pid}`
const zookeeper = await startOurZooKeeper()
try {
  const address = `127.0.0.1:${await freePort()}`
  const config = join(zookeeper.directory, 'server.properties')
  const lines = [
    'broker.id=0',
    `listeners=PLAINTEXT://${address}`,
    `log.dirs=${join(zookeeper.directory, 'logs')}`,
    `zookeeper.connect=${zookeeper.connect}`,
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=1',
    'group.initial.rebalance.delay.ms=0',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  const flags = [...JVM_FLAGS, `-XX:ArchiveClassesAtExit=${temporary}`, '-cp', classpath('kafka-2.6.3')]
  const child = spawn('java', [...flags, join(import.meta.dirname, 'Train.java'), config, address], {
    stdio: 'ignore',
    timeout: WITHIN_MS,
    killSignal: 'SIGKILL',
  })
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject))
  if (code !== 0) throw new Error(`the training ended with ${String(code)}`)
  renameSync(temporary, file)
} finally {
  rmSync(temporary, { force: true })
  await zookeeper.stop()
}
