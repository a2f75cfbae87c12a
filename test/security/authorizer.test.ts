import { describe, expect, test } from 'vitest'
import type { AclBinding, AclFilter, Operation } from '../../src/security/acl.ts'
import { fromPascalCase, OPERATIONS, operationsOf, pascalCase, RESOURCE_TYPES } from '../../src/security/acl.ts'
import { Authorizer, parseSuperUsers } from '../../src/security/authorizer.ts'
import { formatPrincipal, parsePrincipal, user } from '../../src/security/principal.ts'
import { checkPlain, plainToken } from '../../src/security/plain.ts'

const binding = (part: Partial<AclBinding> = {}): AclBinding => ({
  resourceType: 'TOPIC',
  resourceName: 't1',
  patternType: 'LITERAL',
  principal: 'User:alice',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
  ...part,
})
const authorizer = (bindings: AclBinding[], options: { superUsers?: string; allowEveryoneIfNoAcl?: boolean } = {}) => {
  const it = new Authorizer({
    superUsers: parseSuperUsers(options.superUsers ?? ''),
    allowEveryoneIfNoAcl: options.allowEveryoneIfNoAcl ?? false,
  })
  for (const pattern of bindings) {
    it.replacePattern(
      pattern,
      bindings.filter(
        (other) =>
          other.resourceName === pattern.resourceName &&
          other.resourceType === pattern.resourceType &&
          other.patternType === pattern.patternType,
      ),
    )
  }
  return it
}
const may = (it: Authorizer, operation: Operation, resourceName = 't1', name = 'alice', host = '10.0.0.1') =>
  it.isAllowed({ principal: user(name), host, operation, resourceType: 'TOPIC', resourceName })

describe('the authorizer', () => {
  test('lets in only whom a binding names', () => {
    const it = authorizer([binding()])
    expect([may(it, 'READ'), may(it, 'WRITE'), may(it, 'READ', 't2'), may(it, 'READ', 't1', 'bob')]).toEqual([true, false, false, false])
  })

  test('lets a deny win over every allow', () => {
    const it = authorizer([binding({ operation: 'ALL' }), binding({ resourceName: '*', permission: 'DENY', operation: 'WRITE' })])
    expect([may(it, 'READ'), may(it, 'WRITE')]).toEqual([true, false])
  })

  test.each(['READ', 'WRITE', 'DELETE', 'ALTER'] as const)('derives DESCRIBE from an allowed %s, never from a denied one', (operation) => {
    expect(may(authorizer([binding({ operation })]), 'DESCRIBE')).toBe(true)
    expect(may(authorizer([binding({ operation: 'DESCRIBE' }), binding({ operation, permission: 'DENY' })]), 'DESCRIBE')).toBe(true)
  })

  test('derives DESCRIBE_CONFIGS from ALTER_CONFIGS and nothing from CREATE', () => {
    expect(may(authorizer([binding({ operation: 'ALTER_CONFIGS' })]), 'DESCRIBE_CONFIGS')).toBe(true)
    expect(may(authorizer([binding({ operation: 'CREATE' })]), 'DESCRIBE')).toBe(false)
  })

  test('knows prefixed, wildcard and host patterns', () => {
    const it = authorizer([
      binding({ resourceName: 'team-', patternType: 'PREFIXED' }),
      binding({ resourceName: '*', principal: 'User:*', host: '10.0.0.2' }),
    ])
    expect(may(it, 'READ', 'team-a')).toBe(true)
    expect(may(it, 'READ', 'tea')).toBe(false)
    expect(may(it, 'READ', 'x', 'bob', '10.0.0.2')).toBe(true)
    expect(may(it, 'READ', 'x', 'bob', '10.0.0.3')).toBe(false)
  })

  test('forgets a pattern whose bindings are gone', () => {
    const it = authorizer([binding({ resourceName: 'p', patternType: 'PREFIXED' })])
    it.replacePattern(binding({ resourceName: 'p', patternType: 'PREFIXED' }), [])
    expect(may(it, 'READ', 'pq')).toBe(false)
  })

  test('lets super users do everything, and everyone where nothing is said, if asked to', () => {
    expect(may(authorizer([binding({ permission: 'DENY' })], { superUsers: 'User:root; User:alice' }), 'READ')).toBe(true)
    expect(may(authorizer([], { allowEveryoneIfNoAcl: true }), 'READ')).toBe(true)
    expect(may(authorizer([binding()], { allowEveryoneIfNoAcl: true }), 'READ', 't1', 'bob')).toBe(false)
  })

  test('tells the operations that are allowed as a bit field', () => {
    const bits = authorizer([binding(), binding({ operation: 'CREATE' })]).authorizedOperations({
      principal: user('alice'),
      host: 'h',
      resourceType: 'TOPIC',
      resourceName: 't1',
    })
    expect(bits).toBe((1 << OPERATIONS.READ) | (1 << OPERATIONS.CREATE) | (1 << OPERATIONS.DESCRIBE))
    expect(operationsOf('GROUP')).toEqual(['READ', 'DELETE', 'DESCRIBE'])
  })
})

describe('filters', () => {
  const all = [
    binding(),
    binding({ resourceName: '*' }),
    binding({ resourceName: 't', patternType: 'PREFIXED' }),
    binding({ resourceName: 'other', principal: 'User:bob' }),
    binding({ resourceType: 'GROUP' }),
  ]
  const filter = (part: Partial<AclFilter>): AclFilter => ({
    resourceType: 'ANY',
    resourceName: null,
    patternType: 'ANY',
    principal: null,
    host: null,
    operation: 'ANY',
    permission: 'ANY',
    ...part,
  })
  test.each([
    [{}, 5],
    [{ resourceType: 'TOPIC' }, 4],
    [{ resourceType: 'TOPIC', resourceName: 't1' }, 1],
    [{ resourceType: 'TOPIC', resourceName: 't1', patternType: 'MATCH' }, 3],
    [{ resourceName: 't', patternType: 'PREFIXED' }, 1],
    [{ patternType: 'LITERAL' }, 4],
    [{ principal: 'User:bob' }, 1],
    [{ operation: 'WRITE' }, 0],
    [{ permission: 'DENY' }, 0],
    [{ host: '10.0.0.1' }, 0],
  ] as const)('%o means %i bindings', (part, count) => {
    expect(authorizer(all).find(filter(part as Partial<AclFilter>))).toHaveLength(count)
  })
})

test('names have a wire form, a znode form and a tool form', () => {
  expect(pascalCase('TRANSACTIONAL_ID')).toBe('TransactionalId')
  expect(fromPascalCase(RESOURCE_TYPES, 'TransactionalId')).toBe('TRANSACTIONAL_ID')
  expect(fromPascalCase(RESOURCE_TYPES, 'Queue')).toBeUndefined()
  expect(fromPascalCase(RESOURCE_TYPES, 'Topic')).toBe('TOPIC')
  expect(parsePrincipal('User:a:b')).toEqual({ type: 'User', name: 'a:b' })
  expect(['User', 'User:', ':x'].map(parsePrincipal)).toEqual([undefined, undefined, undefined])
  expect(formatPrincipal(user('a'))).toBe('User:a')
})

test('SASL/PLAIN compares the whole password', () => {
  const users = new Map([
    ['a', 'secret'],
    ['empty', ''],
  ])
  expect(checkPlain(users, plainToken('a', 'secret'))).toBe('a')
  for (const [name, password] of [
    ['a', 'secre'],
    ['a', 'secret2'],
    ['b', 'secret'],
    ['empty', 'x'],
  ] as const) {
    expect(() => checkPlain(users, plainToken(name, password))).toThrow('Invalid username or password')
  }
  expect(() => checkPlain(users, Buffer.from('a\u0000secret'))).toThrow('expected 3 tokens, got 2')
  expect(() => checkPlain(users, Buffer.from('b\u0000a\u0000secret'))).toThrow('authorization id')
})
