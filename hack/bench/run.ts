// Ours and Apache Kafka 2.6.3, one after the other on this machine, with Apache's own load programs; writes docs/performance.md.
//   npm run bench                                    everything: 6 GB of warming, median of 5
//   npm run bench -- quick                           1 GB of warming, median of 3
//   npm run bench -- single replicated controller idle    only those parts; what the document says of the others stays
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

// What users run is JavaScript: the type stripping of the sources would cost start time and memory.
const built = spawnSync(process.execPath, ['hack/build.ts'], { stdio: ['ignore', 2, 2] })
if (built.status !== 0) process.exit(1)
process.env['SOFAKAFKA_MAIN'] = resolve('dist/main.js')
const [{ idleReport }, { single }, { replicated }, { controllerReport }, { say, writeReport }] = await Promise.all([
  import('./idle.ts'),
  import('./single.ts'),
  import('./replicated.ts'),
  import('./controller-change.ts'),
  import('./report.ts'),
])

const words = process.argv.slice(2)
const isQuick = words.includes('quick')
const asked = words.filter((word) => word !== 'quick')
const runs = isQuick ? 3 : 5
const warmRecords = isQuick ? 1_000_000 : 6_000_000
const quickly = isQuick ? ' (quick)' : ''

const PARTS: Record<string, () => Promise<[title: string, body: string]>> = {
  single: async () => [`One broker${quickly}`, await single({ warmRecords, runs })],
  replicated: async () => [
    `Three replicas${quickly}`,
    await replicated({ warmRecords, records: isQuick ? 300_000 : 1_000_000, runs, pacedS: isQuick ? 20 : 60 }),
  ],
  controller: async () => ['A controller dies', await controllerReport(2000)],
  idle: async () => ['10,000 idle partitions on one broker', await idleReport(10_000)],
}
const unknown = asked.find((word) => !(word in PARTS))
if (unknown !== undefined) {
  say(`${unknown}: write quick, or some of ${Object.keys(PARTS).join(', ')}`)
  process.exit(2)
}
const sections = new Map<string, string>()
for (const [name, measure] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  say(name)
  sections.set(...(await measure()))
}
process.stdout.write(writeReport(sections))
