import { beforeAll, describe, expect, test } from 'vitest'
import { apis, apiVersions, controlledShutdown, metadata } from '../../src/protocol/api/index.ts'
import { errorCode, errorMessage, errorNames, KafkaError } from '../../src/protocol/errors.ts'
import * as header from '../../src/protocol/header.ts'
import {
  type Api,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type Field,
  inVersions,
  isFlexible,
  parseVersions,
} from '../../src/protocol/schema.ts'
import { lacks } from '../support/needs.ts'
import { askApache, type Definition, type MessageDefinition, type Oracle, type Question } from './support/oracle.ts'
import { printed, randomValue } from './support/random-message.ts'
import { Random } from '../support/random.ts'

const SEED = Number(process.env['SEED'] ?? 20_261_121)
const SAMPLES = 8
/** Kafka 2.6 encodes these by hand: the definitions in its jar are not what it runs. */
const BY_HAND = [0, 1, 2, 23, 32, 34]

/** Where we follow the code that Kafka 2.6 runs and not the definition beside it; only APIs that it encodes by hand. */
const DEPARTURES: Record<string, { fields: Partial<Shape>; why: string }> = {
  '0 request topics/partitions/records': { fields: { nullable: [] }, why: 'Kafka fails on null' },
  '1 response topics/partitions/records': { fields: { nullable: [] }, why: 'Kafka fails on null' },
  '1 response topics/partitions/aborted': {
    fields: { default: null, ignorable: true },
    why: 'null unless READ_COMMITTED; older versions drop it',
  },
  '1 response topics/partitions/preferredReadReplica': { fields: { default: -1 }, why: '0 would name broker 0' },
  '2 request topics/partitions/currentLeaderEpoch': { fields: { default: -1, ignorable: true }, why: '-1 is no epoch' },
  '2 response topics/partitions/leaderEpoch': { fields: { default: -1, ignorable: true }, why: '-1 is no epoch' },
  '32 response results/configs/isDefault': {
    fields: { ignorable: true },
    why: 'Kafka sets it with configSource and sends what the version has',
  },
}

type Shape = {
  type: string
  versions: number[]
  nullable: number[]
  default: unknown
  ignorable: boolean
  entityType: string | undefined
  tag: number | undefined
  tagged: number[]
  flexible: string | undefined
}
const upTo = (maxVersion: number): number[] => Array.from({ length: maxVersion + 1 }, (_, version) => version)
const lowerFirst = (name: string): string => name[0]!.toLowerCase() + name.slice(1)

/** Our field as the definition would describe it; ranges as lists of the versions in which the enclosing struct exists. */
const shapeOf = (field: Field, outer: number[]): Shape => {
  const { options } = field
  const versions = outer.filter((version) => inVersions(options.versions, version))
  const within = (range: string | undefined): number[] =>
    range === undefined ? [] : versions.filter((version) => inVersions(range, version))
  const plain = (it: Field): string => (it.type === 'records' ? 'bytes' : it.type === 'array' ? `[]${plain(it.item!)}` : it.type)
  return {
    type: plain(field),
    versions,
    nullable: within(options.nullable),
    default: Buffer.isBuffer(field.default) || Array.isArray(field.default) ? 'empty' : field.default,
    ignorable: options.ignorable ?? false,
    entityType: options.entityType,
    tag: options.tag,
    tagged: within(options.tagged),
    flexible: options.flexible,
  }
}

const NUMBERS = ['int8', 'int16', 'int32', 'int64', 'float64']
const defaultOf = ({ type, default: given }: Definition): unknown => {
  if (given === 'null') return null
  if (NUMBERS.includes(type)) return Number(given ?? 0)
  if (type === 'bool') return given === 'true'
  return type === 'string' ? (given ?? '') : 'empty'
}
const definedShape = (definition: Definition, outer: number[]): Shape => {
  const versions = outer.filter((version) => inVersions(definition.versions, version))
  const within = (range: string | undefined): number[] =>
    range === undefined ? [] : versions.filter((version) => inVersions(range, version))
  return {
    type: /^\[\][A-Z]/.test(definition.type) ? '[]struct' : definition.type,
    versions,
    nullable: within(definition.nullableVersions),
    default: defaultOf(definition),
    ignorable: String(definition.ignorable ?? false) === 'true',
    entityType: definition.entityType,
    tag: definition.tag,
    tagged: within(definition.taggedVersions),
    flexible: definition.flexibleVersions,
  }
}

type Row = { path: string } & Shape
const ourRows = (fields: Readonly<Record<string, Field>>, outer: number[], path: string[] = []): Row[] =>
  Object.entries(fields).flatMap(([name, field]) => {
    const row = { path: [...path, name].join('/'), ...shapeOf(field, outer) }
    return [row, ...ourRows(field.item?.fields ?? {}, row.versions, [...path, name])]
  })
const definedRows = (message: MessageDefinition, fields: Definition[], outer: number[], path: string[] = []): Row[] =>
  fields.flatMap((definition) => {
    const name = lowerFirst(definition.name)
    const row = { path: [...path, name].join('/'), ...definedShape(definition, outer) }
    const common = message.commonStructs?.find((struct) => `[]${struct.name}` === definition.type)
    return [row, ...definedRows(message, definition.fields ?? common?.fields ?? [], row.versions, [...path, name])]
  })

type Sample = Question & { field: Field; value: unknown; label: string }

/** A 2.6 broker reads and writes by the schemas in ApiKeys, and hands the generated classes to its handlers: both have to agree with us. */
const waysOf = (api: Api): Question['how'][] => (BY_HAND.includes(api.key) ? ['struct'] : ['struct', 'data'])

const samples = (): Sample[] => {
  const random = new Random(SEED)
  const all: Sample[] = []
  for (const api of apis) {
    for (const side of ['request', 'response'] as const) {
      for (const version of upTo(api.maxVersion)) {
        for (let sample = 0; sample < SAMPLES; sample++) {
          const value = randomValue(api[side], { version, flexible: isFlexible(api, version), unknownTags: true }, random)
          const bytes = side === 'request' ? encodeRequest(api, version, value as never) : encodeResponse(api, version, value as never)
          const message = { side, key: api.key, version, bytes, field: api[side], value, label: `${api.name} ${side} v${version}` }
          all.push(...waysOf(api).map((how) => ({ how, ...message })))
        }
      }
    }
  }
  return all
}

/** Every version of the headers; the generated classes of Kafka read a header of a known version. */
const headerSamples = (): Sample[] => {
  const [key, side, label] = [-1, 'requestHeader', 'request header'] as const
  const requests = [
    { api: controlledShutdown, requestApiVersion: 0, version: 0, clientId: '' },
    { api: controlledShutdown, requestApiVersion: 1, version: 1, clientId: 'ops' },
    { api: metadata, requestApiVersion: 8, version: 1, clientId: null },
    { api: metadata, requestApiVersion: 9, version: 2, clientId: 'client-ä' },
    { api: apiVersions, requestApiVersion: 77, version: 2, clientId: null },
  ].map(({ api, requestApiVersion, version, clientId }, index): Sample => {
    const correlationId = index * 1_000_000_007 - 2 ** 31
    const bytes = header.encodeRequestHeader(api, requestApiVersion, { correlationId, clientId })
    const value = { requestApiKey: api.key, requestApiVersion, correlationId, clientId }
    return { how: 'data', side, key, version, bytes, field: header.requestHeader, value, label }
  })
  const responses = [
    { api: metadata, apiVersion: 8, version: 0 },
    { api: metadata, apiVersion: 9, version: 1 },
    { api: apiVersions, apiVersion: 3, version: 0 },
  ].map(({ api, apiVersion, version }, correlationId): Sample => {
    const bytes = header.encodeResponseHeader(api, apiVersion, correlationId)
    const value = { correlationId }
    return { how: 'data', side: 'responseHeader', key, version, bytes, field: header.responseHeader, value, label: 'response header' }
  })
  return [...requests, ...responses]
}

const all = samples()

describe.skipIf(lacks('java', 'maven'))('Apache Kafka 2.6.3, and 2.7.2 for the SCRAM users', () => {
  const in26 = all.filter((sample) => sample.key < 50)
  const in27 = all.filter((sample) => sample.key >= 50)
  const headers = headerSamples()
  let kafka26: Oracle
  let kafka27: Oracle

  beforeAll(async () => {
    console.log(`seed ${SEED}: ${all.length} messages`)
    kafka26 = await askApache('kafka-2.6.3', [...in26, ...headers])
    kafka27 = await askApache('kafka-clients-2.7.2', in27)
  })
  const oracleOf = (api: Api): Oracle => (api.key < 50 ? kafka26 : kafka27)

  test('has our errors, with their codes, messages and who may try again', () => {
    const ours = errorNames.map((name) => ({
      code: errorCode(name),
      name,
      retriable: new KafkaError(name).retriable,
      message: errorMessage(name),
    }))
    const known = new Set(kafka26.errors.map(({ code }) => code))
    const theirs = [...kafka26.errors, ...kafka27.errors.filter(({ code }) => !known.has(code))]
    expect(ours).toEqual(theirs.map((error) => (error.name === 'NONE' ? { ...error, message: '' } : error)))
  })

  test('has our APIs in the same versions', () => {
    const theirs = [...kafka26.apis, ...kafka27.apis.filter(({ key }) => key === 50 || key === 51)]
    expect(apis.map(({ key, name, minVersion, maxVersion }) => ({ key, name, minVersion, maxVersion }))).toEqual(
      theirs.map(({ key, name, minVersion, maxVersion }) => ({ key, name, minVersion, maxVersion })),
    )
  })

  test('has the same header versions, also for a version that is yet to come', () => {
    for (const api of apis) {
      const theirs = oracleOf(api).apis.find(({ key }) => key === api.key)!.headerVersions
      const ours = upTo(api.maxVersion + 1).map((version) => ({
        request: header.requestHeaderVersion(api, version),
        response: header.responseHeaderVersion(api, version),
      }))
      expect(ours, api.name).toEqual(theirs)
    }
  })

  test.each(apis.flatMap((api) => (['request', 'response'] as const).map((side) => ({ name: api.name, api, side }))))(
    'defines the fields of $name $side as we do',
    ({ api, side }) => {
      const definition = oracleOf(api).definitions.get(`${api.key} ${side}`)!
      expect(parseVersions(definition.validVersions)).toEqual([api.minVersion, api.maxVersion])
      expect(parseVersions(definition.flexibleVersions ?? 'none')[0]).toBe(api.firstFlexibleVersion)
      const theirs = definedRows(definition, definition.fields, upTo(api.maxVersion)).map((row) => ({
        ...row,
        ...DEPARTURES[`${api.key} ${side} ${row.path}`]?.fields,
      }))
      expect(ourRows(api[side].fields!, upTo(api.maxVersion))).toEqual(theirs)
    },
  )

  test('departs from no definition but those of APIs that Kafka encodes by hand', () => {
    for (const place of Object.keys(DEPARTURES)) {
      const [key, side, path] = place.split(' ')
      expect(BY_HAND).toContain(Number(key))
      const definition = kafka26.definitions.get(`${key} ${side}`)!
      const defined = definedRows(definition, definition.fields, upTo(99)).find((row) => row.path === path)!
      expect({ ...defined, ...DEPARTURES[place]!.fields }, `${place} is defined as we have it by now`).not.toEqual(defined)
    }
  })

  test('defines the fields of the headers as we do', () => {
    const request = kafka26.definitions.get('-1 requestHeader')!
    expect(ourRows(header.requestHeader.fields!, [0, 1, 2])).toEqual(definedRows(request, request.fields, [0, 1, 2]))
    const response = kafka26.definitions.get('-1 responseHeader')!
    expect(ourRows(header.responseHeader.fields!, [0, 1])).toEqual(definedRows(response, response.fields, [0, 1]))
  })

  test('reads any message that we write, sees the same values and writes the same bytes', () => {
    const answers = [...kafka26.answers.slice(0, in26.length), ...kafka27.answers]
    const wrong = [...in26, ...in27].flatMap((sample, index) => {
      const answer = answers[index]!
      if ('error' in answer) return [`${sample.label} ${sample.how}: ${answer.error}`]
      if (answer.hex !== sample.bytes.toString('hex'))
        return [`${sample.label} ${sample.how}: wrote ${answer.hex}, we ${sample.bytes.toString('hex')}`]
      if (sample.how === 'struct') return []
      const ours = printed(sample.field, sample.value)
      return answer.values === ours ? [] : [`${sample.label}: read ${answer.values}, we wrote ${ours}`]
    })
    expect(wrong.slice(0, 5)).toEqual([])
    expect(answers.length).toBe(in26.length + in27.length)
  })

  test('reads the headers that we write', () => {
    const answers = kafka26.answers.slice(in26.length)
    const theirs = answers.map((answer) => ('error' in answer ? answer.error : `${answer.hex} ${answer.values}`))
    expect(theirs).toEqual(headers.map(({ bytes, field, value }) => `${bytes.toString('hex')} ${printed(field, value)}`))
  })
})

describe('a message', () => {
  test.each(apis)('of $name reads back as it was written, in every version', (api) => {
    const own = all.filter((sample) => sample.key === api.key && sample.how === 'struct')
    expect(own.length).toBe(2 * SAMPLES * (api.maxVersion + 1))
    for (const { side, version, bytes, value, label } of own) {
      expect(side === 'request' ? decodeRequest(api, version, bytes) : decodeResponse(api, version, bytes), label).toEqual(value)
    }
  })
})
