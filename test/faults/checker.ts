/** Looks for anomalies in a recorded history. Pure: the same history gives the same answer. */
import type { Commit, CommittedOffset, FinalLog, History, Place, Poll, ReplicaLog, Send } from './history.ts'

export const ANOMALIES = [
  'lost-write',
  'duplicate',
  'inconsistent-offset',
  'unknown-value',
  'unseen-record',
  'non-monotonic-poll',
  'non-monotonic-send',
  'read-above-high-watermark',
  'replicas-differ',
  'not-healed',
  'group-offset-went-back',
  'group-offset-never-committed',
  'broken-promise',
] as const
export type AnomalyKind = (typeof ANOMALIES)[number]
export type Anomaly = Place & { kind: AnomalyKind; what: string }

const nameOf = ({ topic, partition }: Place): string => `${topic}-${partition}`

const groupBy = <T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group) group.push(value)
    else groups.set(key, [value])
  }
  return groups
}

const at = (place: Place, kind: AnomalyKind, what: string): Anomaly => ({
  kind,
  topic: place.topic,
  partition: place.partition,
  what,
})

const seconds = (ms: number): string => `${(ms / 1000).toFixed(3)} s`
const describe = (send: Send): string =>
  `${send.value} by ${send.producer}, ${seconds(send.startMs)} to ${seconds(send.endMs)}${send.offset === undefined ? '' : `, offset ${send.offset}`}`

/** Acknowledged and not in the log. */
function* lostWrites(log: FinalLog, sends: readonly Send[]): Iterable<Anomaly> {
  const stored = new Set(log.records.map(({ value }) => value))
  for (const send of sends) if (send.outcome === 'acknowledged' && !stored.has(send.value)) yield at(log, 'lost-write', describe(send))
}

function* duplicates(log: FinalLog): Iterable<Anomaly> {
  const first = new Map<string, number>()
  for (const { offset, value } of log.records) {
    const before = first.get(value)
    if (before !== undefined) yield at(log, 'duplicate', `${value} at ${before} and at ${offset}`)
    else first.set(value, offset)
  }
}

/** What stands in the log and nobody sent. */
function* unknownValues(log: FinalLog, sends: readonly Send[]): Iterable<Anomaly> {
  const sent = new Set(sends.map(({ value }) => value))
  for (const { offset, value } of log.records) if (!sent.has(value)) yield at(log, 'unknown-value', `${value} at ${offset} was never sent`)
}

/** Every witness of an offset has to tell the same value: acknowledgements, polls and the log at the end. */
function* inconsistentOffsets(log: FinalLog, sends: readonly Send[], polls: readonly Poll[]): Iterable<Anomaly> {
  const values = new Map<number, { value: string; who: string }>()
  const told = new Set<string>()
  const witness = function* (offset: number, value: string, who: string): Iterable<Anomaly> {
    const known = values.get(offset)
    if (!known) values.set(offset, { value, who })
    else if (known.value !== value && !told.has(`${offset} ${value}`)) {
      told.add(`${offset} ${value}`)
      yield at(log, 'inconsistent-offset', `offset ${offset}: ${known.value} for ${known.who}, ${value} for ${who}`)
    }
  }
  for (const { offset, value } of log.records) yield* witness(offset, value, 'the log at the end')
  for (const { offset, value, outcome, endMs } of sends) {
    if (outcome === 'acknowledged' && offset !== undefined && offset >= 0) {
      yield* witness(offset, value, `the acknowledgement at ${seconds(endMs)}`)
    }
  }
  for (const poll of polls) {
    for (const { offset, value } of poll.records) yield* witness(offset, value, `${poll.reader} at ${seconds(poll.endMs)}`)
  }
  for (const poll of polls) {
    for (const { offset, value } of poll.records) {
      if (offset >= log.startOffset && offset >= log.highWatermark)
        yield at(log, 'lost-write', `${poll.reader} read ${value} at ${offset}, the log ends at ${log.highWatermark}`)
    }
  }
}

/** A reader that went past an offset has to have seen what is there. */
function* unseenRecords(log: FinalLog, reader: string, polls: readonly Poll[]): Iterable<Anomaly> {
  const seen = new Set<number>()
  let from = Infinity
  let to = 0
  for (const poll of polls) {
    from = Math.min(from, poll.fetchOffset)
    for (const { offset } of poll.records) {
      seen.add(offset)
      to = Math.max(to, offset + 1)
    }
  }
  for (const { offset, value } of log.records) {
    if (offset >= from && offset < to && !seen.has(offset)) yield at(log, 'unseen-record', `${reader} went past offset ${offset}, ${value}`)
  }
}

function* pollOrder(place: Place, reader: string, polls: readonly Poll[]): Iterable<Anomaly> {
  let next = -1
  for (const poll of polls) {
    const when = `${reader} at ${seconds(poll.endMs)}`
    if (!poll.isMember && next >= 0 && poll.fetchOffset !== next)
      yield at(place, 'non-monotonic-poll', `${when} asked for ${poll.fetchOffset} after it had reached ${next}`)
    let position = poll.fetchOffset
    for (const { offset } of poll.records) {
      if (offset < position) yield at(place, 'non-monotonic-poll', `${when} got offset ${offset} where ${position} or more was due`)
      position = offset + 1
    }
    next = position
  }
}

function* aboveHighWatermark(place: Place, polls: readonly Poll[]): Iterable<Anomaly> {
  for (const poll of polls) {
    const last = poll.records.at(-1)
    if (last && last.offset >= poll.highWatermark)
      yield at(
        place,
        'read-above-high-watermark',
        `${poll.reader} at ${seconds(poll.endMs)} got offset ${last.offset}, high watermark ${poll.highWatermark}`,
      )
    if (poll.error !== undefined)
      yield at(place, 'broken-promise', `${poll.reader} at ${seconds(poll.endMs)}, offset ${poll.fetchOffset}: ${poll.error}`)
  }
}

/** A record that was sent after the acknowledgement of another stands behind it. Linear: the largest offset acknowledged before each start. */
function* sendOrder(place: Place, sends: readonly Send[]): Iterable<Anomaly> {
  const acknowledged = sends.filter(({ outcome, offset }) => outcome === 'acknowledged' && offset !== undefined && offset >= 0)
  const byEnd = acknowledged.toSorted((a, b) => a.endMs - b.endMs)
  const byStart = acknowledged.toSorted((a, b) => a.startMs - b.startMs)
  let largest: Send | undefined
  let index = 0
  for (const send of byStart) {
    for (; index < byEnd.length && byEnd[index]!.endMs < send.startMs; index++) {
      if (!largest || byEnd[index]!.offset! > largest.offset!) largest = byEnd[index]
    }
    if (largest && largest.offset! >= send.offset!)
      yield at(place, 'non-monotonic-send', `${describe(send)}: after the acknowledgement of ${describe(largest)}`)
  }
}

/** In a topic of idempotent producers the log holds each producer's records in the order of its sends. */
function* producerOrder(log: FinalLog, sends: readonly Send[]): Iterable<Anomaly> {
  const bySent = new Map(sends.map((send) => [send.value, send]))
  const last = new Map<string, Send>()
  for (const { offset, value } of log.records) {
    const send = bySent.get(value)
    if (!send) continue
    const before = last.get(send.producer)
    if (before && before.sequence > send.sequence)
      yield at(log, 'non-monotonic-send', `${value} at ${offset} stands behind ${before.value}, which ${send.producer} sent later`)
    last.set(send.producer, send)
  }
}

/** A group that was told that its commit stands is never told less by an answer to a later question, nor anything that it never committed. */
function* groupOffsets(commits: readonly Commit[], reads: readonly CommittedOffset[]): Iterable<Anomaly> {
  const acknowledged = commits.filter(({ outcome }) => outcome === 'acknowledged').toSorted((a, b) => a.endMs - b.endMs)
  const tried = new Set(commits.map(({ offset }) => offset))
  const told = reads.toSorted((a, b) => a.endMs - b.endMs)
  let largest = -1
  let index = 0
  let seen = 0
  for (const read of reads.toSorted((a, b) => a.startMs - b.startMs)) {
    for (; index < acknowledged.length && acknowledged[index]!.endMs < read.startMs; index++)
      largest = Math.max(largest, acknowledged[index]!.offset)
    for (; seen < told.length && told[seen]!.endMs < read.startMs; seen++) largest = Math.max(largest, told[seen]!.offset)
    const when = `${read.group} at ${seconds(read.endMs)}`
    if (read.offset < largest) yield at(read, 'group-offset-went-back', `${when} was told ${read.offset}, it had ${largest}`)
    if (read.offset >= 0 && !tried.has(read.offset)) yield at(read, 'group-offset-never-committed', `${when} was told ${read.offset}`)
  }
}

/** Below the high watermark every replica holds the same bytes. */
function* replicaDifferences(log: FinalLog, replicas: readonly ReplicaLog[]): Iterable<Anomaly> {
  const start = Math.max(...replicas.map(({ startOffset }) => startOffset))
  const committed = replicas.map((replica) => ({
    ...replica,
    batches: replica.batches.filter(({ baseOffset, lastOffset }) => baseOffset >= start && lastOffset < log.highWatermark),
  }))
  const [model, ...others] = committed
  if (!model) return
  for (const { brokerId, batches } of committed) {
    const end = (batches.at(-1)?.lastOffset ?? start - 1) + 1
    if (end < log.highWatermark)
      yield at(log, 'replicas-differ', `broker ${brokerId} ends at ${end}, the high watermark is ${log.highWatermark}`)
  }
  for (const other of others) {
    const index = model.batches.findIndex(({ baseOffset, digest }, index) => {
      const batch = other.batches[index]
      return batch !== undefined && (batch.baseOffset !== baseOffset || batch.digest !== digest)
    })
    if (index < 0) continue
    const where = `the batch at ${model.batches[index]!.baseOffset} of broker ${model.brokerId}`
    yield at(log, 'replicas-differ', `${where} is not that at ${other.batches[index]!.baseOffset} of broker ${other.brokerId}`)
  }
}

function* partitionAnomalies(log: FinalLog, history: History, parts: { sends: Send[]; polls: Poll[] }): Iterable<Anomaly> {
  const { sends, polls } = parts
  yield* lostWrites(log, sends)
  yield* unknownValues(log, sends)
  yield* inconsistentOffsets(log, sends, polls)
  yield* sendOrder(log, sends)
  yield* aboveHighWatermark(log, polls)
  for (const [reader, own] of groupBy(polls, (poll) => poll.reader)) {
    yield* unseenRecords(log, reader, own)
    yield* pollOrder(log, reader, own)
  }
  if (!history.idempotentTopics.includes(log.topic)) return
  yield* duplicates(log)
  yield* producerOrder(log, sends)
}

/** All anomalies, in the order of the partitions. An empty answer is worth as much as the history is long: see `figures`. */
export const check = (history: History): Anomaly[] => {
  const found: Anomaly[] = []
  const sends = groupBy(history.sends, nameOf)
  const polls = groupBy(history.polls, nameOf)
  const replicas = groupBy(history.replicas, nameOf)
  for (const log of history.finalLogs) {
    const name = nameOf(log)
    found.push(...partitionAnomalies(log, history, { sends: sends.get(name) ?? [], polls: polls.get(name) ?? [] }))
    found.push(...replicaDifferences(log, replicas.get(name) ?? []))
  }
  const read = new Set(history.finalLogs.map(nameOf))
  for (const [name, [send]] of sends) if (!read.has(name)) found.push(at(send!, 'not-healed', `nobody could read ${name} at the end`))
  const groupAt = ({ group, ...place }: Commit | CommittedOffset) => `${group} ${nameOf(place)}`
  const commits = groupBy(history.commits, groupAt)
  for (const [name, reads] of groupBy(history.committed, groupAt)) found.push(...groupOffsets(commits.get(name) ?? [], reads))
  for (const { afterMs, state, ...place } of history.healing) {
    if (afterMs === undefined || afterMs > history.healWithinMs)
      found.push(at(place, 'not-healed', `${afterMs === undefined ? 'never' : `after ${seconds(afterMs)}`}: ${state}`))
  }
  for (const { who, what, atMs, ...place } of history.broken) found.push(at(place, 'broken-promise', `${who} at ${seconds(atMs)}: ${what}`))
  return found
}

export type Figures = {
  acknowledged: number
  refused: number
  unknown: number
  stored: number
  read: number
  commits: number
  healedMs: number
}

/** How much the history says: a run in which nothing was acknowledged proves nothing. */
export const figures = (history: History): Figures => {
  const count = (outcome: Send['outcome']) => history.sends.filter((send) => send.outcome === outcome).length
  return {
    acknowledged: count('acknowledged'),
    refused: count('refused'),
    unknown: count('unknown'),
    stored: history.finalLogs.reduce((sum, { records }) => sum + records.length, 0),
    read: history.polls.reduce((sum, { records }) => sum + records.length, 0),
    commits: history.commits.filter(({ outcome }) => outcome === 'acknowledged').length,
    healedMs: Math.round(Math.max(0, ...history.healing.map(({ afterMs }) => afterMs ?? Infinity))),
  }
}
