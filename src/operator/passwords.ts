import { randomBytes } from 'node:crypto'

const PASSWORD_BYTES = 32

/** 43 characters of A-Z a-z 0-9 - _ that nobody can guess. */
export const newPassword = (): string => randomBytes(PASSWORD_BYTES).toString('base64url')
