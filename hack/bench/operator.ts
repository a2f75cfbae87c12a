// The operator on a real API server with a real broker; writes docs/performance-operator.md.
//   KUBE_LAB=... [PORT=16443] npm run bench:operator               everything, with ten minutes at rest
//   ... npm run bench:operator -- quick                            a fifth of the resources, half a minute at rest
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { topics, users } from '../../src/api/index.ts'
import { topic, user } from '../../test/operator/support/objects.ts'
import type { Series } from '../../test/operator/support/scrape.ts'
import { cpuSeconds } from './process.ts'
import { say } from './report.ts'

const isQuick = process.argv.includes('quick')
const TOPICS = isQuick ? 2000 : 10_000
const KEPT = TOPICS / 2
const SAMPLES = isQuick ? 50 : 200
const REST_MS = isQuick ? 30_000 : 600_000
const MB = 1024 * 1024
/** The operator gives back what its start left behind 30 s after it, or 30 s later when it is still at work. */
const SETTLE_MS = 75_000
const PATH = 'docs/performance-operator.md'

const built = spawnSync(process.execPath, ['hack/build.ts'], { stdio: ['ignore', 2, 2] })
if (built.status !== 0) process.exit(1)
process.env['SOFAKAFKA_MAIN'] = resolve('dist/main.js')
const { startPlace } = await import('./operator-place.ts')

type Row = [what: string, measured: string, aim: string]

const sumOf = (series: readonly Series[], name: string, holds: (labels: Record<string, string>) => boolean): number =>
  series.filter((one) => one.name === name && holds(one.labels)).reduce((sum, { value }) => sum + value, 0)
const kubeWrites = (series: readonly Series[]) =>
  sumOf(series, 'sofakafka_operator_kubernetes_requests_total', ({ method }) => method !== 'GET')
const WRITING =
  /^(CreateTopics|DeleteTopics|CreatePartitions|AlterConfigs|IncrementalAlterConfigs|CreateAcls|DeleteAcls|AlterUserScramCredentials|AlterClientQuotas|AlterPartitionReassignments)$/
const brokerWrites = (series: readonly Series[]) =>
  sumOf(series, 'kafka_network_requestmetrics_requests_total', ({ request = '' }) => WRITING.test(request))
const quantile = (values: readonly number[], q: number): number => values.toSorted((a, b) => a - b)[Math.ceil(values.length * q) - 1] ?? NaN

const place = await startPlace(process.env['PORT'] ? Number(process.env['PORT']) : undefined)
const rows: Row[] = []
const row = (...one: Row): void => {
  rows.push(one)
  say(one.join(' | '))
}

try {
  await place.cluster()
  const emptyMb = place.memoryBytes() / MB

  const many = Array.from({ length: TOPICS }, (_unused, n) => topic(`t${n}`, place.namespace, { partitions: 1, replicas: 1 }))
  const firstMs = performance.now()
  const cpuBefore = cpuSeconds(place.operator.pid)
  await place.create(topics, many)
  const lastMs = performance.now()
  await place.isReady('Topic', TOPICS)
  const readyMs = performance.now()
  const creates = sumOf(
    await place.brokerRequests(),
    'kafka_network_requestmetrics_requests_total',
    ({ request }) => request === 'CreateTopics',
  )
  const patches = sumOf(await place.scrape(), 'sofakafka_operator_kubernetes_requests_total', ({ method }) => method === 'PATCH')
  row(
    `${TOPICS} Topics, from the last create until all are Ready`,
    `${((readyMs - lastMs) / 1000).toFixed(1)} s`,
    isQuick ? '' : 'under 60 s',
  )
  row(
    `${TOPICS} Topics, from the first create (made in ${((lastMs - firstMs) / 1000).toFixed(0)} s)`,
    `${((readyMs - firstMs) / 1000).toFixed(1)} s`,
    '',
  )
  row('CreateTopics requests for them', String(creates), '')
  row('writes of the operator to the API server, per Topic', (patches / TOPICS).toFixed(2), 'about 1')
  row('processor time of the operator, per Topic', `${(((cpuSeconds(place.operator.pid) - cpuBefore) * 1000) / TOPICS).toFixed(1)} ms`, '')

  await place.removeTopics(many.slice(KEPT))
  const latencies: number[] = []
  for (let n = 0; n < SAMPLES; n++)
    latencies.push(await place.latencyMs(topic(`single-${n}`, place.namespace, { partitions: 1, replicas: 1 })))
  const fifty = quantile(latencies, 0.5).toFixed(0)
  row(
    `apply to Ready at ${KEPT} Topics, one after the other: p50, p99`,
    `${fifty} ms, ${quantile(latencies, 0.99).toFixed(0)} ms`,
    'p99 under 1 s',
  )

  const usersMs = performance.now()
  await place.create(
    users,
    Array.from({ length: KEPT }, (_unused, n) => user(`u${n}`, place.namespace)),
  )
  await place.isReady('User', KEPT)
  row(
    `${KEPT} Users with generated passwords, from the first create until all are Ready`,
    `${((performance.now() - usersMs) / 1000).toFixed(1)} s`,
    '',
  )
  const afterMb = place.memoryBytes() / MB
  await place.restartOperator()
  await place.isReady('User', KEPT)
  const settledMs = performance.now()
  while (performance.now() - settledMs < SETTLE_MS) await new Promise((done) => setTimeout(done, 1000))
  row(
    'resident memory of the operator: alone, after all of this, after a restart',
    [emptyMb, afterMb, place.memoryBytes() / MB].map((mb) => `${mb.toFixed(0)} MB`).join(', '),
    `under 200 MB at ${KEPT} Topics and ${KEPT} Users`,
  )

  const before = {
    kube: kubeWrites(await place.scrape()),
    broker: brokerWrites(await place.brokerRequests()),
    cpu: cpuSeconds(place.operator.pid),
  }
  await new Promise((done) => setTimeout(done, REST_MS))
  const after = {
    kube: kubeWrites(await place.scrape()),
    broker: brokerWrites(await place.brokerRequests()),
    cpu: cpuSeconds(place.operator.pid),
  }
  row(
    `writes in ${REST_MS / 60_000} minutes at rest: to the API server, to the broker`,
    `${after.kube - before.kube}, ${after.broker - before.broker}`,
    '0, 0',
  )
  row('share of a processor at rest', `${((100 * (after.cpu - before.cpu)) / (REST_MS / 1000)).toFixed(1)} %`, '')
} finally {
  await place.stop()
}

const machine = `${cpus().length} x ${cpus()[0]!.model}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.versions.node}`
const text = `# Performance of the operator

Written by \`npm run bench:operator${isQuick ? ' -- quick' : ''}\`: the operator as users run it, a real Kubernetes API server with etcd, one broker and one ZooKeeper of ours, and what makes the resources, all on one machine.
Machine: ${machine}.

| what | measured | aim |
|---|---|---|
${rows.map((one) => `| ${one.join(' | ')} |`).join('\n')}

Topics have one partition and one replica. Memory is the resident set (RSS) of the operator's process. At rest means that nobody changes anything; every resource is still looked at every five minutes.
`
writeFileSync(PATH, text)
process.stdout.write(text)
