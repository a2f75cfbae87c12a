import { createHash } from 'node:crypto'

/** JSON with sorted keys: equal objects have equal texts. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  ) ?? 'null'

/** Ten characters without vowels, usable in names and labels, as Kubernetes' own template hashes look. */
export const shortHash = (value: unknown): string => {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
  const digest = createHash('sha256').update(canonical(value)).digest()
  return [...digest.subarray(0, 10)].map((byte) => alphabet[byte % alphabet.length]!).join('')
}
