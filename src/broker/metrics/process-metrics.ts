import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Disk } from '../../base/disk.ts'
import type { Exposition } from '../../base/exposition.ts'

const NS_PER_S = 1e9
const RESOLUTION_MS = 10

/** What the operating system and Node.js say of this process. Linux tells of open descriptors and of disk traffic, others do not. */
export class ProcessMetrics {
  readonly #disk: Disk
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #utilization = performance.eventLoopUtilization()

  constructor(disk: Disk) {
    this.#disk = disk
    this.#delay.enable()
  }

  /** Share of the time since the last call in which the event loop had nothing to do. */
  idleShare(): number {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization)
    this.#utilization = now
    return 1 - utilization
  }

  write(to: Exposition): void {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed, external } = process.memoryUsage()
    to.add('process_cpu_seconds_total', 'counter', 'Processor time of this process in seconds.', [{ value: (user + system) / 1e6 }])
    to.add('process_resident_memory_bytes', 'gauge', 'Resident memory of this process.', [{ value: rss }])
    to.add('nodejs_heap_used_bytes', 'gauge', 'Memory that JavaScript objects use.', [{ value: heapUsed }])
    to.add('nodejs_external_memory_bytes', 'gauge', 'Memory of buffers outside the heap.', [{ value: external }])
    this.#writeDelay(to)
    this.#writeLinux(to)
  }

  stop(): void {
    this.#delay.disable()
  }

  #writeDelay(to: Exposition): void {
    const quantiles = [0.5, 0.99, 0.999].map((quantile) => ({
      labels: { quantile },
      value: this.#delay.percentile(quantile * 100) / NS_PER_S,
    }))
    to.add('sofakafka_event_loop_delay_seconds', 'summary', 'How late timers of the event loop fire, since the last scrape.', quantiles)
    to.add('sofakafka_event_loop_delay_max_seconds', 'gauge', 'The longest delay of the event loop since the last scrape.', [
      { value: this.#delay.max / NS_PER_S },
    ])
    this.#delay.reset()
  }

  #writeLinux(to: Exposition): void {
    if (process.platform !== 'linux') return
    try {
      to.add('process_open_fds', 'gauge', 'Open descriptors of this process.', [{ value: this.#disk.list('/proc/self/fd').length }])
      const io = new Map(
        this.#disk
          .readFile('/proc/self/io')
          .toString('utf8')
          .split('\n')
          .map((line) => line.split(': ') as [string, string]),
      )
      to.add('kafka_server_kafkaserver_linux_disk_read_bytes', 'gauge', 'Bytes that this process read from disks.', [
        { value: Number(io.get('read_bytes') ?? 0) },
      ])
      to.add('kafka_server_kafkaserver_linux_disk_write_bytes', 'gauge', 'Bytes that this process wrote to disks.', [
        { value: Number(io.get('write_bytes') ?? 0) },
      ])
    } catch {
      // A container may hide /proc/self/io; the other metrics are worth more than an error.
    }
  }
}
