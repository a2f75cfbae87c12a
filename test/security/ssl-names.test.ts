import { describe, expect, test } from 'vitest'
import { objectIdentifier, sequence, set, tagged, utf8String } from '../../src/security/der.ts'
import { distinguishedName, subjectName } from '../../src/security/distinguished-name.ts'
import { MappingRuleError, SslPrincipalMapper } from '../../src/security/ssl-principal-mapper.ts'
import { X509Certificate } from 'node:crypto'
import { createCertificate } from '../../src/security/certificates.ts'
import { runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { Random } from '../support/random.ts'

const OIDS = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  T: '2.5.4.12',
  SERIAL: '2.5.4.5',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  EMAIL: '1.2.840.113549.1.9.1',
  OWN: '1.3.6.1.4.1.99999.1',
}
const PRINTABLE = 0x13
const IA5 = 0x16
const T61 = 0x14
const text = (tag: number, value: string): Buffer => tagged(tag, Buffer.from(value, 'utf8'))
const attribute = (type: keyof typeof OIDS, value: string | Buffer): Buffer =>
  sequence(objectIdentifier(OIDS[type]), typeof value === 'string' ? utf8String(value) : value)
const name = (...parts: Buffer[][]): Buffer => sequence(...parts.map((attributes) => set(...attributes)))

/** Names as certificates have them, and what Java's X500Principal.getName() says of each. */
const NAMES: [name: Buffer, expected: string][] = [
  [name([attribute('CN', 'orders')]), 'CN=orders'],
  [name(), ''],
  [
    name([attribute('C', text(PRINTABLE, 'CN'))], [attribute('O', 'Ant, Inc.')], [attribute('OU', 'a+b')], [attribute('CN', 'x=y')]),
    'CN=x\\=y,OU=a\\+b,O=Ant\\, Inc.,C=CN',
  ],
  [name([attribute('CN', ' two blanks  ')]), 'CN=\\ two blanks\\ \\ '],
  [name([attribute('CN', '#1')], [attribute('L', 'a"b\\c<d>;e')]), 'L=a\\"b\\\\c\\<d\\>\\;e,CN=\\#1'],
  [name([attribute('CN', 'a'), attribute('UID', 'b')], [attribute('DC', text(IA5, 'org'))]), 'DC=org,CN=a+UID=b'],
  [name([attribute('ST', 'Zhejiang')], [attribute('STREET', 'Xihu 1')], [attribute('L', '杭州')]), 'L=杭州,STREET=Xihu 1,ST=Zhejiang'],
  [name([attribute('EMAIL', text(IA5, 'a@b'))], [attribute('CN', 'x')]), 'CN=x,1.2.840.113549.1.9.1=#1603614062'],
  [name([attribute('T', 'boss')], [attribute('SERIAL', text(PRINTABLE, '7'))]), '2.5.4.5=#130137,2.5.4.12=#0c04626f7373'],
  [name([attribute('OWN', 'x')]), '1.3.6.1.4.1.99999.1=#0c0178'],
  [name([attribute('CN', text(T61, 'old'))]), 'CN=old'],
  [name([attribute('CN', '')]), 'CN='],
  [name([attribute('CN', ' ')]), 'CN=\\ '],
  [name([attribute('CN', '  ')]), 'CN=\\ \\ '],
  [name([attribute('CN', 'a\u0000b')]), 'CN=a\\00b'],
  [name([attribute('CN', 'tab\there')]), 'CN=tab\there'],
  [name([attribute('CN', '😀')]), 'CN=😀'],
]

const DN = 'CN=kafka1,OU=Ops,O=Ant,L=Hangzhou,C=CN'
/** Rules, a name, and whom Kafka takes it for; undefined: no rule is for it. */
const MAPPED: [rules: string, name: string, expected: string | undefined][] = [
  ['DEFAULT', DN, DN],
  ['', DN, undefined],
  ['RULE:^CN=([^,]+),.*$/$1/', DN, 'kafka1'],
  ['RULE:^CN=([^,]+)$/$1/,DEFAULT', 'CN=orders', 'orders'],
  ['RULE:^CN=([^,]+)$/$1/,DEFAULT', DN, DN],
  ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/ ,  RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),C=(.*?)$/$1@$2/L, DEFAULT', DN, 'kafka1@ops'],
  ['RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L,DEFAULT', 'CN=Kafka.One,O=x', 'kafka.one'],
  ['RULE:^CN=(.*?),.*$/$1/U', DN, 'KAFKA1'],
  ['RULE:^CN=(\\w+)\\/(\\w+)$/$2\\/$1/', 'CN=a/b', 'b/a'],
  ['RULE:^CN=(.*)$/$1@$4/', 'CN=a', 'a@$4'],
  ['RULE:^CN=(.*)$/$12/', 'CN=a', 'a2'],
  ['RULE:^CN=(.*)$/$0!/', 'CN=a', 'CN=a!'],
  ['RULE:^CN=(?<who>.*)$/${who}/', 'CN=a', 'a'],
  ['RULE:^CN=(.*)$/\\$1/', 'CN=a', '$1'],
  ['RULE:.*/x/', 'CN=a', 'xx'],
  ['RULE:CN=a/b/', 'CN=a,O=b', undefined],
  ['RULE:a//', 'a', ''],
  [',,RULE:a/b/,,', 'a', 'b'],
  ['  DEFAULT  ', DN, DN],
]
/** Rules that Kafka refuses. */
const WRONG = [
  'default',
  'DEFAULTX',
  'DEFAULT/L',
  'RULE:',
  'RULE:a/b',
  'RULE:a',
  'RULE:a/b/L/U',
  'RULE:a/b/X',
  'RULE:a/b/ L',
  'RULE:(/b/',
  'x,DEFAULT',
]
/** Rules that Kafka takes and we refuse at the start, in words: JavaScript would read them otherwise, or Kafka fails each login that they are for. */
const REFUSED = ['RULE:\\p{Alpha}+/x/', 'RULE:(?i)cn=(.*)/$1/', 'RULE:a++b/x/', 'RULE:[a-z&&[^b]]/x/', 'RULE:\\Qa\\E/x/', 'RULE:CN=.*/$1/']

const mapped = (rules: string, dn: string): string | undefined => {
  try {
    return SslPrincipalMapper.parse(rules).map(dn)
  } catch (error) {
    if (error instanceof MappingRuleError) return 'refused'
    throw error
  }
}

test.each(NAMES)('the owner of a certificate is printed as Java prints it, case %#', (der, expected) => {
  expect(distinguishedName(der)).toBe(expected)
})

test('the owner is found in the certificate', () => {
  const { certificatePem } = createCertificate({ commonName: 'orders, app', nowMs: Date.UTC(2026, 0) })
  expect(subjectName(new X509Certificate(certificatePem).raw)).toBe('CN=orders\\, app')
})

test.each(MAPPED)('%s takes %s for %s', (rules, dn, expected) => {
  expect(mapped(rules, dn)).toBe(expected)
})

test.each(WRONG)('%s is refused', (rules) => {
  expect(mapped(rules, DN)).toBe('refused')
})

test.each(REFUSED)('%s, which Kafka takes, is refused', (rules) => {
  expect(mapped(rules, DN)).toBe('refused')
})

const base64 = (value: string | Buffer): string => Buffer.from(value as string).toString('base64')
const askJava = async (lines: string[]): Promise<(string | undefined)[]> => {
  const answers = await runJava('kafka-clients-2.6.3', 'test/security/java/SslNames.java', [], { input: `${lines.join('\n')}\n` })
  return answers
    .trimEnd()
    .split('\n')
    .map((line) => (line === '-' ? undefined : Buffer.from(line.slice(1), 'base64').toString('utf8')))
}

describe.skipIf(lacks('java', 'maven'))('beside Java', () => {
  test('the same names and the same rules give the same', { timeout: 60_000 }, async () => {
    const pick = new Random(7).below
    const letters = ' ,=+<>#;"\\ab1杭\u00e9/\u0000@'
    const word = () => Array.from({ length: pick(7) }, () => letters[pick(letters.length)]).join('')
    const types = Object.keys(OIDS) as (keyof typeof OIDS)[]
    const one = () => attribute(types[pick(types.length)]!, word())
    const random = Array.from({ length: 300 }, () =>
      name(...Array.from({ length: 1 + pick(4) }, () => (pick(4) === 0 ? [one(), one()] : [one()]))),
    )
    const names = [...NAMES.map(([der]) => der), ...random]
    const some = (pieces: readonly string[], most: number) =>
      Array.from({ length: pick(most + 1) }, () => pieces[pick(pieces.length)]).join('')
    const rule = () => {
      const pattern = some(['^', 'CN=', '(.*)', '([^,]+)', '(\\w+)', ',', 'O=', '.*', 'a', 'kafka1', '\\/', '$'], 5)
      const references = pattern.includes('(') ? ['$1', '$1', '$2'] : []
      const replacement = some([...references, 'x', '\\/', '\\$', ' ', '@'], 3)
      // Two numbers without a group trip Kafka up: it then fails each login.
      if (replacement.indexOf('$2') !== replacement.lastIndexOf('$2')) return 'DEFAULT'
      return pick(5) === 0 ? 'DEFAULT' : `RULE:${pattern}/${replacement}/${some(['L', 'U', ' ', 'x'], 1)}`
    }
    const rulesets = Array.from({ length: 3000 }, () => Array.from({ length: 1 + pick(3) }, rule).join([',', ' , ', ''][pick(3)]))
    const maps = [
      ...MAPPED.map(([rules, dn]) => [rules, dn] as const),
      ...WRONG.map((rules) => [rules, DN] as const),
      ...rulesets.map((rules) => [rules, 'CN=kafka1,O=a'] as const),
    ]
    const java = await askJava([
      ...names.map((der) => `name ${base64(der)}`),
      ...maps.map(([rules, dn]) => `map ${base64(rules)} ${base64(dn)}`),
    ])
    expect(java.slice(0, NAMES.length)).toEqual(NAMES.map(([, expected]) => expected))
    expect(names.map((der) => distinguishedName(der))).toEqual(java.slice(0, names.length))
    const differing = maps.flatMap(([rules, dn], index) => {
      const ours = mapped(rules, dn)
      const theirs = java[names.length + index]
      return (ours === 'refused' ? undefined : ours) === theirs ? [] : [{ rules, ours, theirs }]
    })
    expect(differing).toEqual([])
    expect(java.filter((answer) => answer !== undefined).length).toBeGreaterThan(names.length + 200)
  })
})
