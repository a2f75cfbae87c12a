import { codeOf } from '../protocol/errors.ts'
import { responseFrame } from '../protocol/header.ts'
import type { Api, ReplyOf, RequestOf } from '../protocol/schema.ts'
import type { Context } from './context.ts'
import type { ResponsePart } from './fetch/records-source.ts'

/**
 * One request in, one answer out. The next request of the connection is handled when this one's answer is there, so requests take effect in arrival order.
 * A throw means that the whole answer fails with that error, in the form that the API's Refusal gives.
 */
export type Handler<A extends Api, R = ReplyOf<A>> = (request: RequestOf<A>, context: Context) => Answer<R> | Promise<Answer<R>>
export type Answer<R> = R | Later<R> | Farewell<R> | NoReply

/**
 * The request has taken effect, its reply comes later: the connection goes on with the next request meanwhile, and replies still go out in order.
 */
export class Later<R> {
  readonly reply: Promise<R | NoReply>
  constructor(reply: Promise<R | NoReply>) {
    this.reply = reply
  }
}

/** Nothing is sent for this request; with a reason, the connection is closed. */
export class NoReply {
  readonly closeReason: string | undefined
  constructor(closeReason?: string) {
    this.closeReason = closeReason
  }
}

/** The last reply of a connection: sent after a delay, then the connection is closed. */
export class Farewell<R> {
  readonly reply: R
  readonly delayMs: number
  readonly closeReason: string
  constructor(reply: R, delayMs: number, closeReason: string) {
    this.reply = reply
    this.delayMs = delayMs
    this.closeReason = closeReason
  }
}

/** The API's reply when the request as a whole fails. */
export type Refusal<A extends Api, R = ReplyOf<A>> = (request: RequestOf<A>, error: { code: number; message: string }) => R

/** What a line of handlers/index.ts makes: an API, what serves it, and how its failure looks. */
export type Served = {
  readonly api: Api
  readonly handle: Handler<Api, unknown>
  readonly refuse: Refusal<Api, unknown>
  /** The frame of a reply: length, header, body. */
  readonly frame: (version: number, correlationId: number, reply: unknown) => ResponsePart[]
}

export const serve = <A extends Api, R = ReplyOf<A>>(
  api: A,
  handle: Handler<A, R>,
  refuse: Refusal<A, R>,
  frame: (version: number, correlationId: number, reply: R) => ResponsePart[] = (version, correlationId, reply) =>
    responseFrame(api, version, correlationId, reply as ReplyOf<A>),
): Served => ({
  api,
  handle: handle as Handler<Api, unknown>,
  refuse: refuse as Refusal<Api, unknown>,
  frame: frame as Served['frame'],
})

/** Runs `fn` for each element at once; what it throws becomes that element's `refuse`, and its neighbours go on. */
export const each = <T, R>(
  items: readonly T[],
  fn: (item: T) => R | Promise<R>,
  refuse: (item: T, code: number, thrown: unknown) => R,
): Promise<R[]> =>
  Promise.all(
    items.map(async (item) => {
      try {
        return await fn(item)
      } catch (thrown) {
        return refuse(item, codeOf(thrown), thrown)
      }
    }),
  )
