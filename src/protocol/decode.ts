import { CodecFault, type Reader } from './bytes.ts'
import { type Field, formOf, type Form, type UnknownTaggedField, unknownTaggedFields } from './field.ts'

export type Read = (reader: Reader) => unknown
type Struct = Record<string | symbol, unknown>
type Tagged = ReadonlyMap<number, { name: string; read: Read }>

const compact: Read = (reader) => reader.uvarint() - 1
const wide: Read = (reader) => reader.int32()
const narrow: Read = (reader) => reader.int16()

const checkNull = (form: Form): null => {
  if (!form.nullable) throw new CodecFault('is null')
  return null
}

const sized = (length: Read, form: Form, take: (reader: Reader, sizeBytes: number) => unknown): Read => {
  return (reader) => {
    const sizeBytes = length(reader) as number
    return sizeBytes < 0 ? checkNull(form) : take(reader, sizeBytes)
  }
}

const MAX_STRING_BYTES = 0x7fff
const takeString = (reader: Reader, sizeBytes: number): string => {
  if (sizeBytes > MAX_STRING_BYTES) throw new CodecFault(`a string of ${sizeBytes} bytes, the most is ${MAX_STRING_BYTES}`)
  return reader.string(sizeBytes)
}

/** The fewest bytes that a value of this field takes: what an announced count is held against before anything is made for it. */
const leastBytes = (field: Field, version: number, flexible: boolean): number => {
  switch (field.type) {
    case 'bool':
    case 'int8':
      return 1
    case 'int16':
      return 2
    case 'int32':
      return 4
    case 'int64':
    case 'float64':
      return 8
    case 'string':
      return flexible ? 1 : 2
    case 'bytes':
    case 'records':
    case 'array':
      return flexible ? 1 : 4
    case 'struct':
      return Object.values(field.fields!)
        .filter((inner) => formOf(inner, version, flexible).present && !formOf(inner, version, flexible).tagged)
        .reduce((sum, inner) => sum + leastBytes(inner, version, flexible), flexible ? 1 : 0)
  }
}

const arrayReader = (field: Field, version: number, form: Form): Read => {
  const item = field.item!
  const read = fieldReader(item, version, form.flexible)
  const itemBytes = Math.max(1, leastBytes(item, version, form.flexible))
  const length = form.flexible ? compact : wide
  return (reader) => {
    const count = length(reader) as number
    if (count < 0) return checkNull(form)
    reader.claim(count, itemBytes)
    const values: unknown[] = []
    let index = 0
    try {
      for (; index < count; index++) values.push(read(reader))
    } catch (fault) {
      if (fault instanceof CodecFault) fault.path.push(index)
      throw fault
    }
    return values
  }
}

const readTaggedFields = (reader: Reader, tagged: Tagged, into: Struct): void => {
  let unknown: UnknownTaggedField[] | undefined
  for (let rest = reader.uvarint(); rest > 0; rest--) {
    const tag = reader.uvarint()
    const sizeBytes = reader.uvarint()
    const end = reader.at + sizeBytes
    const known = tagged.get(tag)
    if (known === undefined) (unknown ??= []).push({ tag, data: reader.copy(sizeBytes) })
    else into[known.name] = known.read(reader)
    if (reader.at !== end)
      throw new CodecFault(`tagged field ${tag} takes ${reader.at - end + sizeBytes} bytes, announced were ${sizeBytes}`)
  }
  if (unknown) into[unknownTaggedFields] = unknown
}

/** A default that nobody shares, so that nobody's change is seen elsewhere. */
const absentReader = (field: Field): Read => (Array.isArray(field.default) ? () => [] : () => field.default)

const structReader = (field: Field, version: number, flexible: boolean): Read => {
  const names: string[] = []
  const readers: Read[] = []
  const tagged = new Map<number, { name: string; read: Read }>()
  for (const [name, inner] of Object.entries(field.fields!)) {
    const form = formOf(inner, version, flexible)
    const read = form.present ? fieldReader(inner, version, flexible) : absentReader(inner)
    if (form.present && form.tagged) tagged.set(inner.options.tag!, { name, read })
    names.push(name)
    readers.push(form.tagged ? absentReader(inner) : read)
  }
  const count = names.length
  return (reader) => {
    const value: Struct = {}
    let index = 0
    try {
      for (; index < count; index++) value[names[index]!] = readers[index]!(reader)
      if (flexible) readTaggedFields(reader, tagged, value)
    } catch (fault) {
      if (fault instanceof CodecFault) fault.path.push(names[index] ?? 'tagged fields')
      throw fault
    }
    return value
  }
}

/** The reader of a field that is there in this version. */
export const fieldReader = (field: Field, version: number, flexible: boolean): Read => {
  const form = formOf(field, version, flexible)
  switch (field.type) {
    case 'bool':
      return (reader) => reader.bool()
    case 'int8':
      return (reader) => reader.int8()
    case 'int16':
      return narrow
    case 'int32':
      return wide
    case 'int64':
      return (reader) => reader.int64()
    case 'float64':
      return (reader) => reader.float64()
    case 'string':
      return sized(form.flexible ? compact : narrow, form, takeString)
    case 'bytes':
      return sized(form.flexible ? compact : wide, form, (reader, sizeBytes) => reader.copy(sizeBytes))
    case 'records':
      return sized(form.flexible ? compact : wide, form, (reader, sizeBytes) => reader.view(sizeBytes))
    case 'array':
      return arrayReader(field, version, form)
    case 'struct':
      return structReader(field, version, flexible)
  }
}
