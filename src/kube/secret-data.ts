/** What a Secret holds: base64 by key. */
export type SecretData = Record<string, string>

/** A text as a Secret has it. */
export const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
/** Texts by their keys, as a Secret has them. */
export const encoded = (texts: Readonly<Record<string, string>>): SecretData =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, base64(text)]))

/** undefined where there is no such Secret, or no such key in it. */
export const textOf = (secret: { data?: SecretData } | undefined, key: string): string | undefined => {
  const data = secret?.data?.[key]
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8')
}
