import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type StoredGroup,
  type StoredOffset,
} from '../../../src/broker/coordinator/group-records.ts'
import { partitionOfGroup } from '../../../src/broker/coordinator/offsets-topic.ts'
import { removeDirectory, temporaryDirectory } from '../../support/apache.ts'
import { runJava } from '../../support/java.ts'
import { lacks } from '../../support/needs.ts'
import { Lab, protocol } from './support/lab.ts'

const ask = async (lines: readonly string[]): Promise<string[]> => {
  const output = await runJava('kafka-2.6.3', 'test/broker/coordinator/support/GroupRecordsOracle.java', [], {
    input: lines.map((line) => `${line}\n`).join(''),
  })
  return output
    .split('\n')
    .filter((line) => line.startsWith('> '))
    .map((line) => line.slice(2))
}

const OFFSETS: StoredOffset[] = [
  { offset: 42, leaderEpoch: 7, metadata: 'text-é', commitTimestamp: 1_700_000_000_000, expireTimestamp: -1 },
  { offset: 0x7fff_ffff_ffff_ffffn, leaderEpoch: -1, metadata: '', commitTimestamp: 0, expireTimestamp: -1 },
  { offset: 0, leaderEpoch: -1, metadata: 'm', commitTimestamp: 5, expireTimestamp: 1_700_000_000_001 },
]
const member = (id: string, groupInstanceId: string | null) => ({
  memberId: id,
  groupInstanceId,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  rebalanceTimeoutMs: 60_000,
  sessionTimeoutMs: 10_000,
  subscription: protocol('range', ['t', 'u']).metadata,
  assignment: Buffer.from('000100000000ffffffff', 'hex'),
})
const GROUPS: StoredGroup[] = [
  {
    protocolType: 'consumer',
    generation: 3,
    protocol: 'range',
    leader: 'm1',
    stateTimestamp: 1_700_000_000_000,
    members: [member('m1', 'i1')],
  },
  {
    protocolType: 'consumer',
    generation: 3,
    protocol: 'range',
    leader: 'm1',
    stateTimestamp: -1,
    members: [member('m1', null), member('m2', 'i')],
  },
  { protocolType: 'consumer', generation: 4, protocol: null, leader: null, stateTimestamp: 17, members: [] },
]
const offsetRecord = (value: StoredOffset | null): GroupRecord => ({ type: 'offset', group: 'g', topic: 't.x', partition: 3, value })
const groupRecord = (value: StoredGroup | null): GroupRecord => ({ type: 'group', group: 'g', value })
const hexOf = (record: GroupRecord): string => encodeGroupRecord(record).value!.toString('hex')

const describeGroup = ({ protocolType, generation, protocol, leader, stateTimestamp, members }: StoredGroup): string => {
  const state = members.length > 0 ? 'Stable' : 'Empty'
  const all = members.map((one) =>
    [one.memberId, one.groupInstanceId, one.clientId, one.clientHost, one.rebalanceTimeoutMs, one.sessionTimeoutMs]
      .map(String)
      .concat(one.subscription.toString('hex'), one.assignment.toString('hex'))
      .join(','),
  )
  return [protocolType, generation, protocol, leader, stateTimestamp, state, ...all].map(String).join(' ')
}

describe.skipIf(lacks('java', 'maven'))('the records of __consumer_offsets', () => {
  test('Apache reads what we write, writes the same bytes, and we read what its releases have written', async () => {
    const names = ['group', 'console-consumer-12345', 'größe', '', 'polygenelubricants']
    const releases = ['0.10.0', '1.0', '2.2', '2.6-IV0']
    const answers = await ask([
      ...names.map((name) => `partition ${name}`),
      `key ${encodeGroupRecord(offsetRecord(null)).key.toString('hex')}`,
      `key ${encodeGroupRecord(groupRecord(null)).key.toString('hex')}`,
      'offset-key g t.x 3',
      'group-key g',
      ...OFFSETS.map((value) => `offset ${hexOf(offsetRecord(value))}`),
      ...OFFSETS.map((value) => `offset-as 2.6-IV0 ${hexOf(offsetRecord(value))}`),
      ...releases.map((release) => `offset-as ${release} ${hexOf(offsetRecord(OFFSETS[0]!))}`),
      ...GROUPS.map((value) => `group ${hexOf(groupRecord(value))}`),
      ...releases.flatMap((release) => [0, 2].map((at) => `group-as ${release} ${hexOf(groupRecord(GROUPS[at]!))}`)),
    ])
    const next = (count: number) => answers.splice(0, count)

    expect(next(names.length)).toEqual(names.map((name) => String(partitionOfGroup(name, 50))))
    expect(next(2)).toEqual(['[g,t.x,3]', 'g'].map((text) => expect.stringContaining(text)))
    const offsetKey = encodeGroupRecord(offsetRecord(null)).key
    const groupKey = encodeGroupRecord(groupRecord(null)).key
    expect(next(2)).toEqual([offsetKey, groupKey].map((key) => key.toString('hex')))
    expect(next(OFFSETS.length)).toEqual(
      OFFSETS.map((one) => [one.offset, one.leaderEpoch, one.metadata, one.commitTimestamp, one.expireTimestamp].join(' ')),
    )
    expect(next(OFFSETS.length)).toEqual(OFFSETS.map((value) => hexOf(offsetRecord(value))))
    for (const bytes of next(releases.length)) {
      const { leaderEpoch, ...same } = OFFSETS[0]!
      const read = decodeGroupRecord(offsetKey, Buffer.from(bytes, 'hex'))
      expect(read).toMatchObject({ type: 'offset', group: 'g', topic: 't.x', partition: 3, value: same })
      expect([leaderEpoch, -1]).toContain((read!.value as StoredOffset).leaderEpoch)
    }
    expect(next(GROUPS.length)).toEqual(GROUPS.map(describeGroup))
    for (const release of releases) {
      const read = next(2).map((bytes) => decodeGroupRecord(groupKey, Buffer.from(bytes, 'hex'))?.value as StoredGroup)
      const isFirst = release === '0.10.0'
      const lacksInstance = release !== '2.6-IV0'
      const lacksTimestamp = isFirst || release === '1.0'
      expect(read[0]).toEqual({
        ...GROUPS[0],
        ...(lacksTimestamp ? { stateTimestamp: -1 } : {}),
        members: [{ ...member('m1', lacksInstance ? null : 'i1'), ...(isFirst ? { rebalanceTimeoutMs: 10_000 } : {}) }],
      })
      expect(read[1]).toEqual({ ...GROUPS[2], ...(lacksTimestamp ? { stateTimestamp: -1 } : {}) })
    }
    expect(answers).toEqual([])
  }, 60_000)

  test('DumpLogSegments decodes a log of ours', async () => {
    const lab = await Lab.start()
    const [leader] = await lab.stable([{ protocolType: 'custom' }])
    await lab.commit({ 0: 5, 1: 6 }, { by: leader!, value: { metadata: 'note' } })
    await lab.groups.onPartitionsDeleted([{ topic: 't', partition: 1 }])
    const directory = temporaryDirectory('dump')
    try {
      const file = join(directory, '00000000000000000000.log')
      writeFileSync(file, Buffer.concat(lab.log('g').stored))
      const output = await runJava('kafka-2.6.3', 'kafka.tools.DumpLogSegments', ['--offsets-decoder', '--files', file])
      expect(output).toContain('key: offset_commit::group=g,partition=t-0 payload: offset=5,metadata=note')
      expect(output).toContain('key: offset_commit::group=g,partition=t-1 payload: <DELETE>')
      expect(output).toContain('key: group_metadata::group=g payload: {')
      expect(output).toContain('isvalid: true')
      expect(output).not.toContain('isvalid: false')
    } finally {
      removeDirectory(directory)
    }
  }, 60_000)
})
