// A broker of test-broker.ts in a process of its own: options as JSON in argv, the port by message, SIGTERM stops it; 'collect' frees what is only garbage.
import { startTestBroker, type TestBrokerOptions } from './test-broker.ts'

const broker = await startTestBroker(JSON.parse(process.argv[2] ?? '{}') as TestBrokerOptions)
process.send?.({ port: broker.port })
process.once('SIGTERM', () => void broker.end().then(() => process.exit(0)))
process.once('disconnect', () => process.exit(1))
process.on('message', () => {
  globalThis.gc!()
  process.send?.('collected')
})
