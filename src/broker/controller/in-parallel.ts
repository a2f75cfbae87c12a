/** Requests to ZooKeeper at a time: many enough to keep it busy, few enough for its queue. */
const PARALLEL_READS = 500

/** The outcomes in the order of the items, `atOnce` of them under way at a time. */
export const inParallel = async <T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> => {
  const outcomes: PromiseSettledResult<R>[] = []
  for (let at = 0; at < items.length; at += atOnce) outcomes.push(...(await Promise.allSettled(items.slice(at, at + atOnce).map(work))))
  return outcomes
}

/** Throws what the first that failed threw, after all have ended. */
export const allInParallel = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> =>
  (await inParallel(items, PARALLEL_READS, work)).map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
