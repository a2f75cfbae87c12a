import { contentOf, elementsOf } from './der.ts'

/** The attribute types that RFC 2253 names; Java prints every other one by its number. */
const KEYWORDS: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
}
/** UTF8String, PrintableString, T61String, IA5String, GeneralString, UniversalString, BMPString: what Java takes for text. */
const TEXT_TAGS = new Set([0x0c, 0x13, 0x14, 0x16, 0x1b, 0x1c, 0x1e])
const CONTEXT_VERSION_TAG = 0xa0

const valueOf = (element: Uint8Array): Buffer => {
  const { start, end } = contentOf(element)
  return Buffer.from(element.subarray(start, end))
}

const dotted = (oid: Uint8Array): string => {
  const arcs: number[] = []
  let arc = 0
  for (const byte of valueOf(oid)) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte & 0x80) continue
    if (arcs.length === 0) arcs.push(Math.min(Math.floor(arc / 40), 2), arc - 40 * Math.min(Math.floor(arc / 40), 2))
    else arcs.push(arc)
    arc = 0
  }
  return arcs.join('.')
}

/** Escapes as RFC 2253, 2.4, says; blanks only where they begin or end the value. */
const escaped = (text: string): string => {
  const inner = text.replace(/[,=+<>#;"\\]/g, '\\$&').replaceAll('\u0000', '\\00')
  return inner.replace(/^ +| +$/g, (blanks) => '\\ '.repeat(blanks.length))
}

const attribute = (element: Uint8Array): string => {
  const [type, value] = elementsOf(element)
  const oid = dotted(type!)
  const keyword = KEYWORDS[oid]
  if (keyword === undefined || !TEXT_TAGS.has(value![0]!)) return `${keyword ?? oid}=#${Buffer.from(value!).toString('hex')}`
  return `${keyword}=${escaped(valueOf(value!).toString('utf8'))}`
}

/**
 * A Name in DER (RFC 5280) as Java's X500Principal.getName() prints it, the form in which Kafka knows the owner of a certificate: RFC 2253, the most special
 * part first. Throws RangeError for what is no DER.
 */
export const distinguishedName = (name: Uint8Array): string =>
  elementsOf(name)
    .map((part) => elementsOf(part).map(attribute).join('+'))
    .reverse()
    .join(',')

/** Whose certificate it is, from its DER. */
export const subjectName = (certificate: Uint8Array): string => {
  const [toBeSigned] = elementsOf(certificate)
  const fields = elementsOf(toBeSigned!)
  // Version 1 leaves out the version; serial number, algorithm, issuer and validity stand before the subject.
  const subject = fields[fields[0]![0] === CONTEXT_VERSION_TAG ? 5 : 4]
  return distinguishedName(subject!)
}
