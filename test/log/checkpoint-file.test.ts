import { expect, test } from 'vitest'
import { formatEpochs, formatOffsets, parseEpochs, parseOffsets } from '../../src/log/checkpoint-file.ts'
import { deletedDirectoryName, fileName, parseDirectoryName, parseFileName } from '../../src/log/file-names.ts'

test('checkpoints are read as they are written, and as Apache Kafka writes them', () => {
  const offsets = [
    { topic: 'a-b.c', partition: 0, offset: 0 },
    { topic: '__consumer_offsets', partition: 49, offset: 2 ** 53 - 1 },
  ]
  expect(formatOffsets(offsets).toString()).toBe('0\n2\na-b.c 0 0\n__consumer_offsets 49 9007199254740991\n')
  expect(parseOffsets(formatOffsets(offsets))).toEqual(offsets)
  expect(parseEpochs(formatEpochs([{ epoch: 3, startOffset: 7 }]))).toEqual([{ epoch: 3, startOffset: 7 }])
  expect(parseOffsets(Buffer.from('0\n1\nt  1\t5\n'))).toEqual([{ topic: 't', partition: 1, offset: 5 }])
  for (const empty of ['', '0\n', '0\n0\n', '0\n0']) expect(parseOffsets(Buffer.from(empty))).toEqual([])
})

test('a checkpoint that says something else than Kafka does is refused', () => {
  for (const text of [
    '1\n0\n',
    'x\n0\n',
    '0\n2\nt 0 1\n',
    '0\n0\nt 0 1\n',
    '0\nx\n',
    '0\n1\nt 0\n',
    '0\n1\nt 0 1 2\n',
    '0\n1\nt 0 9999999999999999999\n',
    '0\n1\n\n',
  ]) {
    expect(() => parseOffsets(Buffer.from(text)), JSON.stringify(text)).toThrow(/checkpoint/)
  }
  expect(() => parseEpochs(Buffer.from('0\n1\n1 2 3\n'))).toThrow('malformed line in a checkpoint file: "1 2 3"')
})

test('names of files and directories are those of Kafka', () => {
  expect(fileName(42, '.log')).toBe('00000000000000000042.log')
  expect(parseFileName('00000000000000000042.log.swap')).toEqual({ offset: 42, suffix: '.log.swap' })
  for (const name of ['leader-epoch-checkpoint', 'x.log', '.log', '99999999999999999999.log']) expect(parseFileName(name)).toBeUndefined()
  expect(parseDirectoryName('a-b-12')).toEqual({ topic: 'a-b', partition: 12, state: 'current' })
  expect(parseDirectoryName(deletedDirectoryName('a-b', 12, 'f'.repeat(32)))).toEqual({ topic: 'a-b', partition: 12, state: 'delete' })
  expect(parseDirectoryName(`t-0.${'0'.repeat(32)}-future`)).toEqual({ topic: 't', partition: 0, state: 'future' })
  for (const name of ['lost+found', 'topic', 't-', '-0', 't-x', 't-99999999999']) expect(parseDirectoryName(name)).toBeUndefined()
})
