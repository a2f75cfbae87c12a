// Runs while the image is built: loads what each program loads, so that NODE_COMPILE_CACHE holds it. The flags must be those of the first line of main.ts.
import { flushCompileCache } from 'node:module'

const PROGRAMS = [
  'broker/program',
  'broker/cluster/connection',
  'broker/metrics/broker-metrics',
  'embedded-zookeeper/program',
  'operator/arguments',
  'operator/program',
  'base/logger',
  'base/node-disk',
]
for (const program of PROGRAMS) await import(`/opt/sofakafka/dist/${program}.js`)
flushCompileCache()
