import { ZooKeeperError } from './errors.ts'

const bad = (path: string, reason: string): never => {
  throw new ZooKeeperError('BAD_ARGUMENTS', { path, reason })
}

/** Control characters, lone surrogates with the private use area, and the specials at the end of the plane (PathUtils). */
const isForbidden = (code: number): boolean =>
  code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0xd800 && code <= 0xf8ff) || (code >= 0xfff0 && code <= 0xffff)

/** Throws BAD_ARGUMENTS on what is no znode path. A surrogate pair is refused too, as in ZooKeeper. */
export const validatePath = (path: string): void => {
  if (!path.startsWith('/')) bad(path, 'a path starts with /')
  if (path === '/') return
  for (let at = 1; at < path.length; at++) {
    if (isForbidden(path.charCodeAt(at))) bad(path, `the character at ${at} is not allowed in a path`)
  }
  for (const name of path.slice(1).split('/')) {
    if (name === '') bad(path, 'a path has no empty name, and no / at its end')
    if (name === '.' || name === '..') bad(path, 'relative names are not allowed')
  }
}

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
