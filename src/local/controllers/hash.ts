import { createHash } from 'node:crypto'
import { canonical } from '../../kube/difference.ts'

/** Ten characters without vowels, usable in names and labels, as Kubernetes' own template hashes look. */
export const shortHash = (value: unknown): string => {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
  const digest = createHash('sha256').update(canonical(value)).digest()
  return [...digest.subarray(0, 10)].map((byte) => alphabet[byte % alphabet.length]!).join('')
}
