import { describe, expect, test } from 'vitest'
import { cutFor } from '../../../src/broker/replicas/truncation.ts'
import { LeaderEpochs } from '../../../src/log/leader-epochs.ts'

/** A log that ends at `end`, with epochs [epoch, start]. */
const logOf = (end: number, ...entries: [epoch: number, startOffset: number][]) => {
  const epochs = new LeaderEpochs(entries.map(([epoch, startOffset]) => ({ epoch, startOffset })))
  return { logEndOffset: end, endOffsetForEpoch: (epoch: number) => epochs.endOffsetFor(epoch, end) }
}

describe('a follower cuts its log', () => {
  test.each([
    { case: 'to where the epoch ended at the leader', log: logOf(20, [1, 0], [2, 10]), leader: [2, 15], cut: 15 },
    { case: 'nowhere when the leader has more of the epoch', log: logOf(20, [1, 0], [2, 10]), leader: [2, 25], cut: 20 },
    { case: 'to where its own older epoch ended, when that is earlier', log: logOf(20, [1, 0], [2, 10]), leader: [1, 15], cut: 10 },
    { case: 'to where the older epoch ended at the leader, when that is earlier', log: logOf(20, [1, 0], [2, 10]), leader: [1, 7], cut: 7 },
    { case: 'to the high watermark when the leader knows no epochs', log: logOf(20, [1, 0]), leader: [-1, -1], cut: 12 },
    { case: 'by the offset alone when the leader tells no epoch', log: logOf(20, [1, 0]), leader: [-1, 16], cut: 16 },
    { case: 'by the offset alone below all of its own epochs', log: logOf(20, [5, 10]), leader: [3, 8], cut: 8 },
  ])('$case', ({ log, leader, cut }) => {
    expect(cutFor(log, { leaderEpoch: leader[0]!, endOffset: leader[1]! }, 12)).toEqual({ offset: cut, isComplete: true })
  })

  test('to the end of its next older epoch, and asks again, when it lacks the epoch of the leader', () => {
    expect(cutFor(logOf(30, [1, 0], [4, 10], [6, 20]), { leaderEpoch: 5, endOffset: 25 }, 0)).toEqual({ offset: 20, isComplete: false })
    expect(cutFor(logOf(20, [1, 0], [4, 10]), { leaderEpoch: 3, endOffset: 25 }, 0)).toEqual({ offset: 10, isComplete: false })
  })

  test('never beyond its end', () => {
    expect(cutFor(logOf(5, [1, 0]), { leaderEpoch: -1, endOffset: -1 }, 12)).toEqual({ offset: 5, isComplete: true })
  })
})
