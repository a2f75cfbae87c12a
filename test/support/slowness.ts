const WORK_MS = 50

/**
 * How many times longer a piece of work takes now than on a machine that has nothing else to do, at least 1: the wall time of 50 ms of processor time. A limit of
 * wall time times this is the same limit on a quiet machine, and holds on a busy one.
 */
export const slowness = (): number => {
  const [before, startMs] = [process.cpuUsage(), performance.now()]
  for (;;) {
    const { user, system } = process.cpuUsage(before)
    if (user + system >= WORK_MS * 1000) return Math.max(1, (performance.now() - startMs) / WORK_MS)
  }
}
