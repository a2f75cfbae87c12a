import { gzipSync } from 'node:zlib'
import type { Run } from '../command.ts'
import { Failure } from '../failure.ts'
import { clusterOf, withKube } from '../kube-access.ts'
import { durationMs } from '../times.ts'
import { Collector } from './collect.ts'
import { tarOf } from './tar.ts'

const fileName = (cluster: string, nowMs: number): string =>
  `sofakafka-${cluster}-${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`

export const run: Run = (call, session) => {
  if (call.text('since') !== undefined) durationMs(call.text('since')!, 'since')
  return withKube(call, session, async (access) => {
    const { io, clocks } = session
    const cluster = await clusterOf(access, call.text('cluster'))
    const nowMs = clocks.wall.nowMs()
    const folder = fileName(cluster.metadata.name, nowMs)
    const path = call.text('file') ?? `${folder}.tar.gz`
    const collector = new Collector(access, cluster, call, session)
    const files = await collector.collect()
    const bundle = gzipSync(
      tarOf(
        files.map(({ path: inside, bytes }) => ({ path: `${folder}/${inside}`, bytes })),
        nowMs,
      ),
    )
    try {
      io.save(path, bundle)
    } catch (error) {
      throw new Failure(`${path} could not be written: ${(error as Error).message}`, undefined, { cause: error })
    }
    for (const problem of collector.problems) io.err(`not in it: ${problem}\n`)
    io.err(
      `${files.length} files, ${Math.ceil(bundle.length / 1024)} KiB. Look into it before you send it: names of topics, users and hosts are in it\n`,
    )
    await io.out(`${path}\n`)
  })
}
