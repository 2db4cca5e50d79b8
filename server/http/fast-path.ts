import type { IncomingMessage, ServerResponse } from 'node:http'
import type { UserActor } from '../auth/actor.ts'
import { readBearer } from '../auth/bearer.ts'
import { INTERNAL_MESSAGE } from '../core/errors.ts'
import { fail } from '../core/result.ts'
import type { Engine } from '../invocation/engine.ts'
import type { RequestContext } from '../trpc/context.ts'

import { type Compression, encodedHeaders, varyByEncoding } from './compression.ts'
import type { Cors } from './cors.ts'
import { type HeldBytes, overloaded } from './held-bytes.ts'

import type { PageSlots } from './page-slots.ts'
import { type PlainHeaders, readBytes, readPlainHeaders } from './plain-request.ts'
import { type RequestContexts, requestIdOf } from './request-contexts.ts'
import { answerOf, type HttpAnswer } from './respond.ts'

const NO_BODY = new Uint8Array()

/** A request that an address of the fast path answers. */
export interface PlainRequest {
  readonly ctx: RequestContext
  readonly body: Uint8Array
}

/** What answers at one address. */
export interface FastTarget {
  readonly transport: 'rest' | 'trpc'
  /** How many pages it reads. */
  readonly pages: number
  /** Whether so many slots of an Idempotency-Key fit. */
  takesKeys(slots: number): boolean
  /** Undefined when the request is left to the library after all; nothing may have been called then. */
  answer(request: PlainRequest): Promise<HttpAnswer> | undefined
}

/** A request that is answered here. */
interface Accepted {
  readonly target: FastTarget
  readonly ctx: RequestContext
  /** The length of its body. */
  readonly bytes: number
  /** Of the page that calls. */
  readonly origin: string | undefined
}

/** An answer as it goes out, compressed or not. */
type SentAnswer = Omit<HttpAnswer, 'body'> & { readonly body: string | Uint8Array }

export interface FastPathOptions {
  readonly engine: Engine
  readonly held: HeldBytes
  readonly slots: PageSlots
  readonly contexts: RequestContexts
  readonly maxBodyBytes: number
  /** What answers say to pages of other origins, where they may call. */
  readonly cors: Cors | undefined
  /** Undefined where answers are sent as they are. */
  readonly compression: Compression | undefined
  /** What is called at an address, as the request has it; undefined for what is none of ours. */
  target(method: string, url: string): FastTarget | undefined
  isStopping(): boolean
  /** Answers what turned out to be unusual once its body was read. */
  fallBack(incoming: IncomingMessage, body: Uint8Array): Promise<Response>
}

/** Answers a request, or leaves it untouched: then it returns undefined. */
export type FastPath = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> | undefined

/**
 * Answers calls as clients mostly send them: one JSON body by POST, or an address to GET, from a caller whose token was
 * verified a short while ago. It does so from Node's own request to Node's own response, and by the functions that answer
 * everybody else; whatever is unusual in a request is left to them.
 */
export function createFastPath(options: FastPathOptions): FastPath {
  const { engine } = options

  return (incoming, outgoing) => {
    const target = options.target(incoming.method ?? '', incoming.url ?? '')
    const headers = target && readPlainHeaders(incoming, options.maxBodyBytes)
    if (!target || !headers) return undefined
    const bearer = readBearer(headers.authorization)
    const actor = bearer.kind === 'token' ? engine.verifier.recall(bearer.token) : undefined
    if (!actor) return undefined
    const ctx = contextOf(incoming, target, headers, actor)
    return target.takesKeys(ctx.idempotency.length)
      ? serve(incoming, outgoing, { target, ctx, bytes: headers.bytes, origin: headers.origin })
      : undefined
  }

  function contextOf(
    { socket }: IncomingMessage,
    { transport }: FastTarget,
    { authorization, idempotencyKey, requestId, forwardedFor }: PlainHeaders,
    actor: UserActor,
  ): RequestContext {
    return options.contexts({
      transport,
      requestId: requestIdOf(requestId),
      authorization,
      actor,
      idempotencyKey,
      peer: socket.remoteAddress,
      forwardedFor,
    })
  }

  async function serve(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { target, ctx, bytes, origin }: Accepted,
  ): Promise<void> {
    const body = await readBytes(incoming, bytes)
    if (!body) {
      engine.log.debug({ requestId: ctx.requestId }, 'A request ended before it was complete')
      return
    }
    try {
      const answer = target.pages === 0 ? target.answer({ ctx, body }) : readPages(incoming, target, ctx)
      if (answer) await sendCompressed(outgoing, forPages(held(incoming, ctx, await answer), origin))
      else send(outgoing, await answerBy(await options.fallBack(incoming, body)))
    } catch (error) {
      engine.log.error({ err: error, requestId: ctx.requestId }, 'A request failed with an unexpected error')
      const answer = answerOf(fail('INTERNAL_SERVER_ERROR', INTERNAL_MESSAGE), ctx.requestId)
      send(outgoing, forPages(answer, origin))
    }
  }

  async function readPages(incoming: IncomingMessage, target: FastTarget, ctx: RequestContext) {
    const release = await options.slots.take(target.pages)
    if (!release) return answerOf(overloaded(), ctx.requestId)
    try {
      // Nothing is read for a caller who has gone meanwhile.
      const answer = incoming.socket.destroyed ? undefined : await target.answer({ ctx, body: NO_BODY })
      return answer ?? answerOf(overloaded(), ctx.requestId)
    } finally {
      release()
    }
  }

  function forPages(answer: HttpAnswer, origin: string | undefined): HttpAnswer {
    if (!options.cors) return answer
    const { vary } = answer.headers
    Object.assign(answer.headers, options.cors.headers(origin))
    answer.headers.vary = vary === undefined ? 'Origin' : `${vary}, Origin`
    return answer
  }

  /** An answer that there is room for; what has been done is told in any case. */
  function held(incoming: IncomingMessage, ctx: RequestContext, answer: HttpAnswer): HttpAnswer {
    const isSent = options.held.answer(incoming, answer.body.length, incoming.method === 'GET')
    return isSent ? answer : answerOf(overloaded(), ctx.requestId)
  }

  /** Undefined when it is sent: a short answer waits for nothing. */
  function sendCompressed(outgoing: ServerResponse, answer: HttpAnswer): Promise<void> | undefined {
    const { status, headers, body } = answer
    const { compression } = options
    if (!compression?.mayCompress(Buffer.byteLength(body), status, (name) => headers[name])) {
      send(outgoing, answer)
      return undefined
    }
    headers.vary = varyByEncoding(headers.vary)
    const accepted = outgoing.req.headers['accept-encoding']
    return compression.compress(body, accepted, outgoing.req).then((compressed) => {
      if (compressed) Object.assign(headers, encodedHeaders(compressed, headers.etag))
      send(outgoing, { status, headers, body: compressed?.bytes ?? body })
    })
  }

  function send(outgoing: ServerResponse, { status, headers, body }: SentAnswer): void {
    if (options.isStopping()) headers.connection = 'close'
    headers['content-length'] = String(Buffer.byteLength(body))
    outgoing.writeHead(status, headers)
    outgoing.end(body)
  }
}

async function answerBy(response: Response): Promise<SentAnswer> {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: new Uint8Array(await response.arrayBuffer()),
  }
}
