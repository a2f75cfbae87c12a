import { basename, dirname } from 'node:path'
import { nodeDisk } from '../base/node-disk.ts'
import { bufferOver, Transferred, type WorkerPool } from '../base/worker-pool.ts'
import { LogFile, OpenFiles } from './open-files.ts'
import { readNow } from './reads.ts'
import { scanSegment, type SegmentScan, type SegmentScanOptions } from './scan.ts'

type ThreadScan = Omit<SegmentScan, 'offsetEntries' | 'timeEntries'> & { offsetEntries: Uint8Array; timeEntries: Uint8Array }
/** `scanSegment` in a thread, on the real disk. */
export const scanInThread = async (pool: WorkerPool, path: string, options: SegmentScanOptions): Promise<SegmentScan> => {
  const scan = await pool.run<ThreadScan>(import.meta.url, 'scanTask', { path, options })
  return { ...scan, offsetEntries: bufferOver(scan.offsetEntries), timeEntries: bufferOver(scan.timeEntries) }
}

export const scanTask = ({ path, options }: { path: string; options: SegmentScanOptions }): Transferred<ThreadScan> => {
  const file = new LogFile(new OpenFiles(nodeDisk, 1), { path: dirname(path) }, basename(path))
  try {
    const scan = readNow(scanSegment(file, options))
    const [offsetEntries, timeEntries] = [new Uint8Array(scan.offsetEntries), new Uint8Array(scan.timeEntries)]
    return new Transferred({ ...scan, offsetEntries, timeEntries }, [offsetEntries.buffer, timeEntries.buffer])
  } finally {
    file.close()
  }
}
