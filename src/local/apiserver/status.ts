import type { JsonObject } from './json.ts'

/** One refused field of an object, in the words and with the reasons of the Kubernetes API. */
export type FieldError = {
  reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotFound'
  field: string
  message: string
}

/** What an object is called in answers: the plural name with its group. */
export type Named = { group: string; plural: string; kind: string }

/** An answer that is a Status object. */
export class StatusError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: JsonObject | undefined
  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message)
    this.name = 'StatusError'
    this.code = code
    this.reason = reason
    this.details = details
  }

  toStatus(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }
}

const qualified = (of: Named): string => (of.group ? `${of.plural}.${of.group}` : of.plural)
const detailsOf = (of: Named, name: string): JsonObject => ({
  ...(name ? { name } : {}),
  ...(of.group ? { group: of.group } : {}),
  kind: of.plural,
})

export const notFound = (of: Named, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${qualified(of)} "${name}" not found`, detailsOf(of, name))
export const alreadyExists = (of: Named, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${qualified(of)} "${name}" already exists`, detailsOf(of, name))
export const conflict = (of: Named, name: string, why: string): StatusError =>
  new StatusError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`, detailsOf(of, name))
export const forbidden = (of: Named, name: string, why: string, causes?: JsonObject[]): StatusError =>
  new StatusError(403, 'Forbidden', `${qualified(of)} "${name}" is forbidden: ${why}`, {
    ...detailsOf(of, name),
    ...(causes ? { causes } : {}),
  })
export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export const invalid = (of: Named, name: string, errors: readonly FieldError[]): StatusError => {
  const lines = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))]
  const words = lines.length === 1 ? lines[0]! : `[${lines.join(', ')}]`
  return new StatusError(422, 'Invalid', `${of.group ? `${of.kind}.${of.group}` : of.kind} "${name}" is invalid: ${words}`, {
    ...(name ? { name } : {}),
    ...(of.group ? { group: of.group } : {}),
    ...(of.kind ? { kind: of.kind } : {}),
    causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
  })
}
export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message)
export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized')
export const noSuchResource = (): StatusError => new StatusError(404, 'NotFound', 'the server could not find the requested resource', {})
export const methodNotAllowed = (): StatusError =>
  new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
export const notServed = (what: string): StatusError =>
  new StatusError(501, 'NotImplemented', `${what} is not served by the local mode; use a Kubernetes cluster for it`)
export const expired = (asked: number, oldest: number): StatusError =>
  new StatusError(410, 'Expired', `too old resource version: ${asked} (${oldest})`)
export const tooLarge = (limitBytes: number): StatusError =>
  new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`)
export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )
export const unknownPatchType = (): StatusError => new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
