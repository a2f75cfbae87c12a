import { CodecFault, Writer } from './bytes.ts'
import { type Field, formOf, type Form, type UnknownTaggedField, unknownTaggedFields } from './field.ts'
import type { Int64 } from './int64.ts'

export type Write = (writer: Writer, value: unknown) => void
type Struct = Record<string | symbol, unknown>

/** A value that the version has no place for. */
export class NotInVersion extends CodecFault {}

const writeLength = (writer: Writer, length: number, form: Form): void =>
  form.flexible ? writer.uvarint(length + 1) : writer.int32(length)

const writeNull = (writer: Writer, form: Form, isString: boolean): void => {
  if (!form.nullable) throw new CodecFault('is null')
  if (form.flexible) writer.uvarint(0)
  else if (isString) writer.int16(-1)
  else writer.int32(-1)
}

const MAX_STRING_BYTES = 0x7fff
const stringWriter = (form: Form): Write => {
  return (writer, value) => {
    if (value === null) return writeNull(writer, form, true)
    if (typeof value !== 'string') throw new CodecFault(`${typeof value} is not a string`)
    const sizeBytes = Buffer.byteLength(value)
    if (sizeBytes > MAX_STRING_BYTES) throw new CodecFault(`a string of ${sizeBytes} bytes, the most is ${MAX_STRING_BYTES}`)
    if (form.flexible) writer.uvarint(sizeBytes + 1)
    else writer.int16(sizeBytes)
    writer.string(value, sizeBytes)
  }
}

const bytesWriter = (form: Form, write: (writer: Writer, value: Buffer) => void): Write => {
  return (writer, value) => {
    if (value === null) return writeNull(writer, form, false)
    if (!(value instanceof Uint8Array)) throw new CodecFault(`${typeof value} is not bytes`)
    writeLength(writer, value.length, form)
    write(writer, value as Buffer)
  }
}

const arrayWriter = (field: Field, version: number, form: Form): Write => {
  const write = fieldWriter(field.item!, version, form.flexible)
  return (writer, value) => {
    if (value === null) return writeNull(writer, form, false)
    if (!Array.isArray(value)) throw new CodecFault(`${typeof value} is not an array`)
    writeLength(writer, value.length, form)
    let index = 0
    try {
      for (; index < value.length; index++) write(writer, value[index])
    } catch (fault) {
      if (fault instanceof CodecFault) fault.path.push(index)
      throw fault
    }
  }
}

const isDefault = (value: unknown, normal: unknown): boolean => {
  if (value === normal) return true
  if (typeof value === 'bigint') return typeof normal !== 'object' && value === BigInt(normal as Int64)
  const isEmpty = (it: unknown): boolean => (Array.isArray(it) || it instanceof Uint8Array) && it.length === 0
  return isEmpty(value) && isEmpty(normal)
}

const absentWriter = (field: Field, version: number): Write => {
  if (field.options.ignorable) return () => {}
  return (_writer, value) => {
    if (!isDefault(value, field.default)) throw new NotInVersion(`version ${version} has no such field; leave it out`)
  }
}

type Tagged = { name: string; tag: number; field: Field; write: Write }

const writeTaggedFields = (writer: Writer, tagged: readonly Tagged[], from: Struct): void => {
  const fields: UnknownTaggedField[] = [...((from[unknownTaggedFields] as UnknownTaggedField[] | undefined) ?? [])]
  for (const { name, tag, field, write } of tagged) {
    const value = from[name]
    if (value === undefined || isDefault(value, field.default)) continue
    const inner = new Writer()
    write(inner, value)
    fields.push({ tag, data: inner.bytes() })
  }
  writer.uvarint(fields.length)
  for (const { tag, data } of fields.sort((a, b) => a.tag - b.tag)) {
    writer.uvarint(tag)
    writer.uvarint(data.length)
    writer.raw(data)
  }
}

const structWriter = (struct: Field, version: number, flexible: boolean): Write => {
  const tagged: Tagged[] = []
  const plain: { name: string; normal: unknown; write: Write }[] = []
  for (const [name, field] of Object.entries(struct.fields!)) {
    const form = formOf(field, version, flexible)
    const write = form.present ? fieldWriter(field, version, flexible) : absentWriter(field, version)
    if (form.present && form.tagged) tagged.push({ name, tag: field.options.tag!, field, write })
    else plain.push({ name, normal: field.default, write })
  }
  const count = plain.length
  return (writer, value) => {
    if (typeof value !== 'object' || value === null) throw new CodecFault(`${value === null ? 'null' : typeof value} is not an object`)
    const from = value as Struct
    let index = 0
    try {
      for (; index < count; index++) {
        const { name, normal, write } = plain[index]!
        const given = from[name]
        write(writer, given === undefined ? normal : given)
      }
      if (!flexible) return
      if (tagged.length === 0 && from[unknownTaggedFields] === undefined) writer.uvarint(0)
      else writeTaggedFields(writer, tagged, from)
    } catch (fault) {
      if (fault instanceof CodecFault) fault.path.push(plain[index]?.name ?? 'tagged fields')
      throw fault
    }
  }
}

/** The writer of a field that is there in this version. */
export const fieldWriter = (field: Field, version: number, flexible: boolean): Write => {
  const form = formOf(field, version, flexible)
  switch (field.type) {
    case 'bool':
      return (writer, value) => writer.bool(value as boolean)
    case 'int8':
      return (writer, value) => writer.int8(value as number)
    case 'int16':
      return (writer, value) => writer.int16(value as number)
    case 'int32':
      return (writer, value) => writer.int32(value as number)
    case 'int64':
      return (writer, value) => writer.int64(value as Int64)
    case 'float64':
      return (writer, value) => writer.float64(value as number)
    case 'string':
      return stringWriter(form)
    case 'bytes':
      return bytesWriter(form, (writer, value) => writer.raw(value))
    case 'records':
      return bytesWriter(form, (writer, value) => writer.blob(value))
    case 'array':
      return arrayWriter(field, version, form)
    case 'struct':
      return structWriter(field, version, flexible)
  }
}
