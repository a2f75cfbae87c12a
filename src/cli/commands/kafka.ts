import type { Command, Options } from '../command.ts'
import { KUBE, LIST, LOGIN, YES } from './options.ts'

const TOPIC = [{ name: 'TOPIC', completes: 'kafkatopic' }] as const
const GROUP = [{ name: 'GROUP', completes: 'group' }] as const

const RESET_TARGETS: Options = {
  'to-time': {
    type: 'string',
    value: 'TIME',
    summary: 'the first record that is not older: 2026-11-21T08:00:00Z (UTC where no zone stands there), or ms since 1970',
  },
  'by-duration': { type: 'string', value: 'DURATION', summary: 'so long ago: 15m, 1h30m, 2d, PT1H' },
  'to-earliest': { type: 'boolean', summary: 'the first record that is there' },
  'to-latest': { type: 'boolean', summary: 'the end: only what is written from now on' },
  'to-offset': { type: 'string', value: 'OFFSET', summary: 'this offset' },
  'to-current': { type: 'boolean', summary: 'where it is now; makes offsets that have none the end' },
  'shift-by': { type: 'string', value: 'N', summary: 'so many records forward, or back with a minus' },
}

export const KAFKA_COMMANDS: readonly Command[] = [
  {
    words: ['group', 'list'],
    summary: 'the consumer groups of a Cluster',
    options: { ...LIST, ...LOGIN, ...KUBE },
    load: async () => (await import('../groups/list.ts')).run,
  },
  {
    words: ['group', 'describe'],
    summary: 'a group: its members, and per partition what it has committed and how far it is behind',
    positionals: GROUP,
    options: { ...LIST, ...LOGIN, ...KUBE },
    load: async () => (await import('../groups/describe.ts')).run,
  },
  {
    words: ['group', 'reset'],
    summary: 'moves the committed offsets of a group that has no members; shows what it would do unless --execute is there',
    details: [
      "One of --to-time, --by-duration, --to-earliest, --to-latest, --to-offset, --to-current and --shift-by is needed, as in Kafka's kafka-consumer-groups. An offset never goes before the first",
      'record that is there, nor beyond the end; a time after the last record means the end.',
    ],
    positionals: GROUP,
    options: {
      topic: {
        type: 'string',
        multiple: true,
        value: 'TOPIC[:P,P]',
        summary: 'a topic, or some partitions of it; may be given more than once',
        completes: 'kafkatopic',
      },
      'all-topics': { type: 'boolean', summary: 'all topics of which the group has committed something' },
      ...RESET_TARGETS,
      execute: { type: 'boolean', summary: 'does it; else it is only shown' },
      ...LIST,
      ...LOGIN,
      ...KUBE,
    },
    examples: [
      'group reset billing --topic orders --to-time 2026-11-21T08:00:00Z',
      'group reset billing --all-topics --by-duration 1h --execute',
      'group reset billing --topic orders:0,3 --shift-by -100 --execute',
    ],
    load: async () => (await import('../groups/reset.ts')).run,
  },
  {
    words: ['group', 'delete'],
    summary: 'forgets a group without members, and its offsets',
    positionals: GROUP,
    options: { ...YES, ...LOGIN, ...KUBE },
    load: async () => (await import('../groups/delete.ts')).run,
  },
  {
    words: ['produce'],
    summary: 'writes a record per line of its input, and waits until all in-sync replicas have it',
    details: ['What was not confirmed when a connection broke may have been written: the command says so and ends with 4.'],
    positionals: TOPIC,
    options: {
      key: { type: 'string', short: 'k', value: 'KEY', summary: 'the key of every record' },
      'key-separator': { type: 'string', short: 'K', value: 'TEXT', summary: 'what stands before it in a line is the key' },
      header: {
        type: 'string',
        short: 'H',
        multiple: true,
        value: 'NAME=VALUE',
        summary: 'a header of every record; may be given more than once',
      },
      partition: { type: 'string', short: 'p', value: 'N', summary: "instead of where Kafka's default partitioner puts it" },
      compression: {
        type: 'string',
        short: 'z',
        value: 'CODEC',
        summary: 'none where absent',
        choices: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
      },
      ...LOGIN,
      ...KUBE,
    },
    examples: ['produce orders --user orders-app <<< hello', 'produce orders -K : < keyed-lines.txt'],
    load: async () => (await import('../records/produce.ts')).run,
  },
  {
    words: ['consume'],
    summary: 'prints records; joins no group and commits nothing',
    details: [
      '--format knows %t topic, %p partition, %o offset, %T time in ms, %k key, %v value, %h headers, \\n, \\t and %%. -o json prints an object per line; bytes that are no UTF-8 become {"base64": ...}.',
    ],
    positionals: TOPIC,
    options: {
      from: {
        type: 'string',
        short: 'f',
        value: 'WHERE',
        summary:
          'latest (where absent), earliest, an offset, a time as --to-time of group reset has it, -15m for so long ago, or group:GROUP for what that group has not read',
      },
      partition: { type: 'string', short: 'p', multiple: true, value: 'N', summary: 'only this one; may be given more than once' },
      exit: { type: 'boolean', short: 'e', summary: 'ends when everything that is there was read' },
      max: { type: 'string', short: 'm', value: 'N', summary: 'ends after so many records' },
      format: { type: 'string', value: 'FORMAT', summary: 'how a record is printed; "%v\\n" where absent' },
      output: { type: 'string', short: 'o', value: 'json', summary: 'an object per line', choices: ['json'] },
      ...LOGIN,
      ...KUBE,
    },
    examples: ['consume orders --from earliest --exit', 'consume orders --user orders-reader --from -15m --format "%p %o %k %v\\n"'],
    load: async () => (await import('../records/consume.ts')).run,
  },
]
