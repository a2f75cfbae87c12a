import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Exposition } from '../base/exposition.ts'

const NS_PER_S = 1e9
const delay = monitorEventLoopDelay({ resolution: 50 })
delay.enable()

/** What the operating system and Node.js say of this process. */
export const writeProcess = (to: Exposition, wallMs: number): void => {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  const startS = (wallMs - performance.now()) / 1000
  to.add('process_cpu_seconds_total', 'counter', 'Processor time of this process in seconds.', [{ value: (user + system) / 1e6 }])
  to.add('process_resident_memory_bytes', 'gauge', 'Resident memory of this process.', [{ value: rss }])
  to.add('process_start_time_seconds', 'gauge', 'When this process began, in seconds since 1970.', [{ value: Math.round(startS) }])
  to.add('nodejs_heap_used_bytes', 'gauge', 'Memory that JavaScript objects use.', [{ value: heapUsed }])
  to.add('sofakafka_event_loop_delay_max_seconds', 'gauge', 'The longest delay of the event loop since the last scrape.', [
    { value: delay.max / NS_PER_S },
  ])
  delay.reset()
}
