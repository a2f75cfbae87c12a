import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import { wantedAt } from '../../src/cli/completion/candidates.ts'
import { moveOf, type Target } from '../../src/cli/groups/reset.ts'
import { nearest } from '../../src/cli/nearest.ts'
import { formatter, jsonLine } from '../../src/cli/records/format.ts'
import { linesOf } from '../../src/cli/records/produce.ts'
import { ruleOf } from '../../src/cli/resources/fields.ts'
import { table } from '../../src/cli/table.ts'
import { ageText, durationMs, timeMs } from '../../src/cli/times.ts'
import { call } from './support.ts'

describe('wrong arguments end with 2 and say what to write instead', () => {
  test.each([
    [['topc', 'list'], 'did you mean topic?'],
    [['brokr'], 'did you mean broker?'],
    [['topic', 'lst'], 'did you mean topic list?'],
    [['topic', 'list', '--kubconfig', 'x'], 'did you mean --kubeconfig?'],
    [['topic', 'list', '-o', 'xml'], '--output xml: write one of json, yaml, wide, name'],
    [['topic', 'describe'], 'write NAME after topic describe'],
    [['topic', 'describe', 'a', 'b'], 'takes NAME; b is too much'],
    [['topic', 'create', 'a', '-p', 'many'], '--partitions many: write a whole number from 1 on'],
    [['topic', 'create', 'a', '--config', 'x'], '--config x: write KEY=VALUE'],
    [['topic', 'alter', 'a'], 'write what is to change'],
    [['acl', 'create', 'a'], 'write at least one --allow or --deny'],
    [['acl', 'create', 'a', '--allow', 'Red:Topic:x'], 'there is no Red; write one of All, Read'],
    [['acl', 'create', 'a', '--allow', 'Read:Topic'], 'write the name of the Topic at the end'],
    [['user', 'create', 'a', '--password-from', 'x'], 'write SECRET/KEY'],
    [['group', 'reset', 'g', '--all-topics'], 'write where to: one of --to-time'],
    [['group', 'reset', 'g', '--to-latest', '--shift-by', '-5'], 'only one of them'],
    [['group', 'reset', 'g', '--to-time', 'yesterday'], 'write a time such as'],
    [['group', 'reset', 'g', '--by-duration', '3x'], 'write a duration such as'],
    [['produce', 't', '-H', 'x'], '--header x: write NAME=VALUE'],
    [['produce', 't', '-k', 'a', '-K', ':'], 'not both'],
    [['consume', 't', '--format', '%x'], 'there is no %x'],
    [['logs', '--since', 'long'], '--since long: write a duration'],
    [['completion', 'tcsh'], 'there is no completion for tcsh; write one of bash, zsh, fish'],
    [['status', '--kubeconfig', '/nowhere/k'], '/nowhere/k: there is no such file'],
    [['status'], 'write --kubeconfig FILE (the local mode'],
  ])('%j', async (args, words) => {
    const { code, out, err } = await call(args)
    expect(err).toContain(words)
    expect(code).toBe(2)
    expect(out).toBe('')
  })

  test('nobody takes a password as an argument', () => {
    const options = COMMANDS.flatMap((command) => Object.keys(command.options))
    expect(options.filter((name) => /password(?!-from)|secret|token/.test(name))).toEqual([])
  })
})

test('help of every command names its options and shows examples that parse', async () => {
  for (const command of COMMANDS) {
    const { code, out } = await call([...command.words, '--help'])
    expect(code).toBe(0)
    for (const name of Object.keys(command.options)) expect(out).toContain(`--${name}`)
  }
  expect((await call(['group', '--help'])).out).toContain('group reset GROUP')
  expect((await call(['help'])).out).toContain('exit codes')
})

test('a near word is guessed, a far one is not', () => {
  expect(nearest('describ', ['list', 'describe'])).toBe('describe')
  expect(nearest('tpoic', ['topic', 'user'])).toBe('topic')
  expect(nearest('xyz', ['topic', 'user'])).toBeUndefined()
})

test('times and durations', () => {
  expect(durationMs('1h30m', 'x')).toBe(5_400_000)
  expect(durationMs('PT1H30M', 'x')).toBe(5_400_000)
  expect(durationMs('P2D', 'x')).toBe(172_800_000)
  expect(timeMs('2026-11-21T08:00:00Z', 'x')).toBe(Date.UTC(2026, 10, 21, 8))
  expect(timeMs('2026-11-21T08:00:00.250', 'x')).toBe(Date.UTC(2026, 10, 21, 8, 0, 0, 250))
  expect(timeMs('2026-11-21T08:00:00+02:00', 'x')).toBe(Date.UTC(2026, 10, 21, 6))
  expect(timeMs('2026-11-21', 'x')).toBe(Date.UTC(2026, 10, 21))
  expect(timeMs('1700000000000', 'x')).toBe(1_700_000_000_000)
  expect([5, 119, 185, 600, 3700, 8000, 20_000, 100_000, 300_000, 900_000].map((seconds) => ageText(seconds * 1000))).toEqual([
    '5s',
    '119s',
    '3m5s',
    '10m',
    '61m',
    '133m',
    '5h33m',
    '27h',
    '3d11h',
    '10d',
  ])
})

test('tables are aligned as kubectl aligns them', () => {
  const columns = [
    { header: 'NAME', value: ({ name }: { name: string; n?: number }) => name },
    { header: 'N', value: ({ n }: { name: string; n?: number }) => n },
    { header: 'WIDE', value: () => 'w', isWide: true as const },
  ]
  expect(table([{ name: 'longer-name', n: 1 }, { name: 'b' }], columns)).toBe('NAME          N\nlonger-name   1\nb             <none>\n')
  expect(table([{ name: 'a', n: 1 }], columns, { isWide: true, noHeaders: true })).toBe('a   1   w\n')
})

test('rules of an Acl', () => {
  expect(ruleOf('read,Describe:topic:orders-*', 'allow')).toEqual({
    resource: { type: 'Topic', name: 'orders-', patternType: 'Prefixed' },
    operations: ['Read', 'Describe'],
  })
  expect(ruleOf('All:Group:*', 'allow')).toEqual({ resource: { type: 'Group', name: '*' }, operations: ['All'] })
  expect(ruleOf('IdempotentWrite:Cluster', 'allow')).toEqual({ resource: { type: 'Cluster' }, operations: ['IdempotentWrite'] })
  expect(ruleOf('Read:TransactionalId:a:b', 'allow').resource.name).toBe('a:b')
})

describe('where a reset goes', () => {
  const at = { current: 50, start: 10, end: 100, atTime: 70 }
  test.each<[Target, number, string]>([
    [{ kind: 'earliest' }, 10, ''],
    [{ kind: 'latest' }, 100, ''],
    [{ kind: 'current' }, 50, ''],
    [{ kind: 'time', ms: 0 }, 70, ''],
    [{ kind: 'shift', by: -20 }, 30, ''],
    [{ kind: 'shift', by: -45 }, 10, '5 is before the first record'],
    [{ kind: 'shift', by: 500 }, 100, '550 is beyond the end'],
    [{ kind: 'offset', offset: 3 }, 10, '3 is before the first record'],
  ])('%j', (target, wanted, note) => expect(moveOf(at, target)).toEqual({ wanted, note }))

  test('without a committed offset it is counted from the end', () => {
    expect(moveOf({ ...at, current: -1 }, { kind: 'shift', by: -1 })).toEqual({
      wanted: 99,
      note: 'nothing was committed: counted from the end',
    })
  })
})

describe('records', () => {
  const record = {
    topic: 't',
    partition: 2,
    offset: 7,
    timestampMs: 5,
    key: null,
    value: Buffer.from([0xff, 0x41]),
    headers: [{ key: 'h', value: Buffer.from('1') }],
  }

  test('are printed as they are, or as said', () => {
    expect(formatter('%t/%p/%o/%T/%k/%h\\t%%\\n')(record).toString()).toBe('t/2/7/5//h=1\t%\n')
    expect([...formatter('%v')(record)]).toEqual([0xff, 0x41])
    expect(JSON.parse(jsonLine(record))).toEqual({
      topic: 't',
      partition: 2,
      offset: 7,
      timestampMs: 5,
      key: null,
      value: { base64: '/0E=' },
      headers: [{ key: 'h', value: '1' }],
    })
  })

  test('are lines, however the bytes come, the last one with or without an end', async () => {
    const lines = async (...chunks: string[]): Promise<string[]> => {
      const found: string[] = []
      async function* input() {
        for (const chunk of chunks) yield Buffer.from(chunk)
        await Promise.resolve()
      }
      for await (const some of linesOf(input())) found.push(...some.map(String))
      return found
    }
    expect(await lines('a\nb', 'c\n\nd')).toEqual(['a', 'bc', '', 'd'])
    expect(await lines('a\n')).toEqual(['a'])
    expect(await lines()).toEqual([])
  })
})

describe('what a shell is offered', () => {
  const texts = (...typed: string[]): string[] => {
    const wanted = wantedAt(COMMANDS, typed)
    return wanted.kind === 'words'
      ? wanted.candidates.map(({ text }) => text)
      : [wanted.kind === 'names' ? `names of ${wanted.of}` : 'files']
  }
  test.each([
    [[''], ['status', 'topic', 'user', 'acl', 'group', 'produce', 'consume', 'logs', 'restart', 'diagnose', 'completion']],
    [
      ['group', ''],
      ['list', 'describe', 'reset', 'delete'],
    ],
    [['topic', 'describe', ''], ['names of topic']],
    [['topic', 'describe', 'a', ''], []],
    [
      ['topic', 'list', '-o', ''],
      ['json', 'yaml', 'wide', 'name'],
    ],
    [
      ['topic', 'list', '--output='],
      ['json', 'yaml', 'wide', 'name'],
    ],
    [['consume', '-n', 'ns', ''], ['names of kafkatopic']],
    [['consume', '--exit', ''], ['names of kafkatopic']],
    [['consume', 'orders', '--user', ''], ['names of user']],
    [['status', '--kubeconfig', ''], ['files']],
    [['nonsense', ''], []],
  ])('%j', (typed, expected) => expect(texts(...typed)).toEqual(expected))

  test('options, where one is begun', () => expect(texts('topic', 'list', '--')).toContain('--all-namespaces'))
})
