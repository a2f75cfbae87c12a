import type { JuteWriter } from './jute.ts'

/** Starts a frame: its length is filled in by `endFrame`. */
export const beginFrame = (to: JuteWriter): JuteWriter => {
  to.int(0)
  return to
}

export const endFrame = (to: JuteWriter): Buffer => {
  const bytes = to.done()
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}
