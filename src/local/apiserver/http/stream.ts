import type { ServerResponse } from 'node:http'
import type { EventSink } from '../rest/watch.ts'

/** A watcher that lets this much pile up is dropped; it can list and watch again. */
const UNSENT_LIMIT_BYTES = 16 << 20

/** Sends watch events as JSON lines over a response. */
export const streamTo = (response: ServerResponse): EventSink => ({
  write: (line) => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'transfer-encoding': 'chunked' })
    }
    if (response.writableLength > UNSENT_LIMIT_BYTES) {
      response.destroy()
      return false
    }
    response.write(line)
    return true
  },
  end: () => {
    if (!response.headersSent && !response.destroyed)
      response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
    response.end()
  },
})
