/** The program as a process of its own, for tests that kill it. Argument: the path of a zoo.cfg. Prints its address when it serves. */
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { runZooKeeper } from '../../src/embedded-zookeeper/program.ts'

const clocks = { monotonic: monotonicClock, wall: wallClock }
const program = await runZooKeeper({ configPath: process.argv[2]!, disk: nodeDisk, clocks, logger: silentLogger })
process.on('SIGTERM', () => void program.stop())
console.log(program.address)
process.exitCode = await program.stopped
