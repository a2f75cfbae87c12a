export type BundleFile = { path: string; bytes: Buffer }

const BLOCK_BYTES = 512
const MAX_NAME_BYTES = 100
const MAX_FOLDER_BYTES = 155

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`

/** A header of POSIX ustar (IEEE Std 1003.1). */
const header = (path: string, sizeBytes: number, modifiedMs: number): Buffer => {
  const at = path.indexOf('/')
  const [folder, name] = [path.slice(0, Math.max(0, at)), path.slice(at + 1)]
  if (Buffer.byteLength(name) >= MAX_NAME_BYTES || Buffer.byteLength(folder) >= MAX_FOLDER_BYTES)
    throw new Error(`${path} is too long a name for the bundle`)
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(name, 0)
  block.write(octal(0o600, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(sizeBytes, 12), 124)
  block.write(octal(Math.floor(modifiedMs / 1000), 12), 136)
  block.write(' '.repeat(8), 148)
  block.write('0', 156)
  block.write('ustar\u000000', 257)
  block.write(folder, 345)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** An archive that tar reads, of regular files. */
export const tarOf = (files: readonly BundleFile[], modifiedMs: number): Buffer =>
  Buffer.concat([
    ...files.flatMap(({ path, bytes }) => {
      const rest = (BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES
      return [header(path, bytes.length, modifiedMs), bytes, Buffer.alloc(rest)]
    }),
    Buffer.alloc(2 * BLOCK_BYTES),
  ])
