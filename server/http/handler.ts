import { ACT_AS_HEADER } from '../auth/actor.ts'
import type { AddressRange } from '../auth/client-address.ts'
import type { NamedActions } from '../builders/named-actions.ts'
import { INTERNAL_MESSAGE } from '../core/errors.ts'
import { type Failure, fail } from '../core/result.ts'
import type { Engine } from '../invocation/engine.ts'
import { noDryRun } from '../invocation/failures.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import { createAppRoutes } from './app-routes.ts'
import { BodyLimits, bodyBytesHeld } from './body-limits.ts'
import { Compression, encodedHeaders, varyByEncoding } from './compression.ts'
import { type ConsoleSettings, createConsole } from './console-page.ts'
import { type Cors, createCors } from './cors.ts'
import type { AnyRoutes } from './custom-routes.ts'
import { createEngineEndpoints, type McpSettings } from './engine-endpoints.ts'
import type { Answer, Exchange, HttpAnswer } from './exchange.ts'
import { FRONT_PAGE, FRONT_PAGE_HEADERS, isFrontPage } from './front-page.ts'
import { createProbes } from './health.ts'
import { HeldBytes, overloaded } from './held-bytes.ts'
import { type ApiDocs, createReferencePage } from './reference-page.ts'
import { type RefusalPace, RefusalPacer } from './refusal-pacer.ts'
import { createAddressOf, DRY_RUN_HEADER, requestIdOf } from './request-contexts.ts'
import { hasDotSegment, type RequestTarget, readTarget, repeatedHeader } from './request-head.ts'
import { BodyTooLargeError, MAX_BODY_BYTES, RequestEndedError, tooLarge } from './request-input.ts'
import { answerOf, headersOfAll, NOTHING_HERE } from './respond.ts'
import { refuseTrpc, TRPC_PATH } from './trpc-endpoint.ts'
import type { WebFiles } from './web-files.ts'

export interface HttpOptions {
  readonly engine: Engine
  readonly router: ReturnType<typeof createAppRouter>
  readonly routes: AnyRoutes | undefined
  /** The front end that is served beside them. */
  readonly web: WebFiles | undefined
  /** What the routes may run. */
  readonly actions: NamedActions
  readonly corsOrigins: readonly string[]
  readonly trustedProxies: readonly AddressRange[]
  /** What all requests may hold together, in bytes. @default a quarter of the heap, from 16 to 256 MiB */
  readonly maxHeldBytes?: number | undefined
  /** Who sees what describes the app. */
  readonly apiDocs: ApiDocs
  /** What describes the app, as JSON. */
  readonly document: () => string
  /** Whether answers are compressed; off where a proxy does it. */
  readonly isCompressing: boolean
  readonly mcp: McpSettings
  /** Undefined where the console is off. */
  readonly console: ConsoleSettings | undefined
  readonly refusalPace: RefusalPace | undefined
  isStopping(): boolean
}

/** The HTTP side of an app, whatever carries it. */
export interface Http {
  /** Answers an exchange. It never throws. */
  answer(exchange: Exchange): Promise<Answer>
  /** What exchanges hold; the adapter that carries them releases it. */
  readonly held: HeldBytes
  /** What the app's routes may be sent where it is not the usual. */
  readonly bodyLimits: BodyLimits
}

const NO_ADDRESS = fail('BAD_REQUEST', 'The address of the request, or its Host, is not valid.')

/** What a request asks for, by the beginning of its address. */
function kindOf(target: string): string {
  const [, first = '', second = ''] = /^\/([a-z]+)(?:\/([a-z]+))?/.exec(target) ?? []
  if (first === 'api') return second
  return first === 'healthz' || first === 'readyz' ? 'probe' : first
}

/** Where actions are called. */
const CALLS_ACTIONS = /^\/(?:api\/actions|trpc)\//
/** Where calls are made as another user. */
const TAKES_ACT_AS =
  /^\/(?:api\/(?:actions|records|integrations|users|audit|calls|credits|data|jobs|outbox|schedules|status)|trpc)(?:\/|$)/
const NOT_ACTING = fail(
  'BAD_REQUEST',
  'Deputy-Act-As is taken by calls over REST and tRPC alone: leave it out here.',
)

/** Builds the HTTP side: health, REST, tRPC and the app's own routes. */
export function createHttp(options: HttpOptions): Http {
  const { engine, web, isStopping } = options
  const held = new HeldBytes(options.maxHeldBytes)
  const bodyLimits = new BodyLimits()
  const compression = options.isCompressing ? new Compression(held) : undefined
  const cors = options.corsOrigins.length > 0 ? createCors(options.corsOrigins) : undefined
  const finish = createFinishAnswer({ cors, compression, isStopping })
  const pacer = new RefusalPacer({ ...options.refusalPace, isStopping })
  const probes = createProbes({ ping: (timeoutMs) => engine.database.ping(timeoutMs), isStopping })
  const referencePage = createReferencePage(options)
  const serveConsole = createConsole(options)
  const serve = createEngineEndpoints({ ...options, held, pacer })
  const appRoutes =
    options.routes &&
    createAppRoutes({
      engine,
      routes: options.routes,
      actions: options.actions,
      web,
      bodyLimits,
      cors,
      compression,
      addressOf: createAddressOf(options.trustedProxies),
      isStopping,
    })
  bodyLimits.complete()

  async function answer(exchange: Exchange): Promise<Answer> {
    const limit = bodyLimits.of(exchange.target)
    const maxBytes = limit?.maxBodyBytes ?? MAX_BODY_BYTES
    const hasRoom = held.admit(exchange.holder, bodyBytesHeld(exchange.bodyBytes, maxBytes))
    const preflight = cors?.preflight(exchange)
    if (preflight) return preflight
    const requestId = requestIdOf(exchange.header('x-request-id'))
    const target = readTarget(exchange)
    if (!target) return finish(exchange, answerOf(NO_ADDRESS, requestId))
    const malformed = problemWith(exchange, target)
    if (malformed) return finish(exchange, refuse(malformed, target, requestId))
    const refused = hasRoom ? tooLong(exchange, maxBytes) : overloaded()
    try {
      const probe = isReading(exchange) ? probes.get(target.pathname) : undefined
      if (probe) return finish(exchange, await probe(requestId))
      if (refused) return finish(exchange, await pacer.paced(closing(refuse(refused, target, requestId))))
      const answer =
        serve(exchange, target, requestId) ??
        referencePage?.(exchange, target.pathname, requestId) ??
        serveConsole(exchange, target.pathname, requestId) ??
        web?.file(exchange, target.pathname, requestId)
      if (answer) return finish(exchange, await answer)
      if (appRoutes) return appRoutes(exchange, requestId)
      const page = web?.page(exchange, target.pathname, requestId)
      if (page) return finish(exchange, await page)
      if (isFrontPage(exchange.method, target.pathname)) return finish(exchange, frontPage(requestId))
      return finish(exchange, answerOf(NOTHING_HERE, requestId))
    } catch (error) {
      return finish(exchange, failed(error, target, requestId))
    }
  }

  function failed(error: unknown, target: RequestTarget, requestId: string): HttpAnswer {
    if (error instanceof BodyTooLargeError)
      return closing(refuse(fail('PAYLOAD_TOO_LARGE', error.message), target, requestId))
    if (error instanceof RequestEndedError) {
      engine.log.debug({ requestId }, 'A request ended before it was complete')
      return refuse(fail('BAD_REQUEST', error.message), target, requestId)
    }
    engine.errorReports.report(error, { kind: 'server', requestId })
    engine.log.error({ err: error, requestId }, 'A request failed with an unexpected error')
    return refuse(fail('INTERNAL_SERVER_ERROR', INTERNAL_MESSAGE), target, requestId)
  }

  const { observer } = engine
  if (!observer) return { answer, held, bodyLimits }
  return {
    held,
    bodyLimits,
    async answer(exchange) {
      const answered = await answer(exchange)
      // The app's routes count their own, whose status is not known yet.
      if (typeof answered !== 'function') observer.requestAnswered(kindOf(exchange.target), answered.status)
      return answered
    },
  }
}

function frontPage(requestId: string): HttpAnswer {
  return { status: 200, headers: { ...FRONT_PAGE_HEADERS, ...headersOfAll(requestId) }, body: FRONT_PAGE }
}

/** What keeps a request from being looked at, for every sender. */
function problemWith(exchange: Exchange, { pathname }: RequestTarget): Failure | undefined {
  const repeated = repeatedHeader(exchange)
  if (repeated) return fail('BAD_REQUEST', `The header ${repeated} may be given once only.`)
  // What is not reverted must not be taken for a dry run.
  if (exchange.header(DRY_RUN_HEADER) !== undefined && !CALLS_ACTIONS.test(pathname)) return noDryRun()
  // What is done as the token's user must not be taken for what another may do.
  if (exchange.header(ACT_AS_HEADER) !== undefined && !TAKES_ACT_AS.test(pathname)) return NOT_ACTING
  // Resolving "." and ".." is the client's part (RFC 3986 §5.2.4); here they would lead past a proxy's rules.
  return hasDotSegment(exchange.target) ? NOTHING_HERE : undefined
}

function tooLong({ bodyBytes = 0 }: Exchange, maxBytes: number): Failure | undefined {
  return bodyBytes > maxBytes ? fail('PAYLOAD_TOO_LARGE', tooLarge(maxBytes)) : undefined
}

/** Refuses a request in the form that its transport reads. */
function refuse(failure: Failure, { pathname }: RequestTarget, requestId: string): HttpAnswer {
  const isTrpc = pathname.startsWith(`${TRPC_PATH}/`)
  return isTrpc ? refuseTrpc(failure, requestId) : answerOf(failure, requestId)
}

/** The body stays unread: no other request may follow on this connection. */
function closing(answer: HttpAnswer): HttpAnswer {
  answer.headers.connection = 'close'
  return answer
}

function isReading({ method }: Exchange): boolean {
  return method === 'GET' || method === 'HEAD'
}

interface FinishOptions {
  /** Undefined where pages of other origins may not call. */
  readonly cors: Cors | undefined
  /** Undefined where answers are sent as they are. */
  readonly compression: Compression | undefined
  isStopping(): boolean
}

/** Gives an answer of the engine's as it is sent: a short one at once. */
type FinishAnswer = (exchange: Exchange, answer: HttpAnswer) => HttpAnswer | Promise<HttpAnswer>

/** Makes what adds to every answer of the engine's what does not depend on who gave it. */
function createFinishAnswer({ cors, compression, isStopping }: FinishOptions): FinishAnswer {
  return (exchange, answer) => {
    const { status, headers, body } = answer
    if (cors) {
      const origin = exchange.header('origin')
      if (origin !== undefined) Object.assign(headers, cors.headers(origin))
      headers.vary = headers.vary === undefined ? 'Origin' : `${headers.vary}, Origin`
    }
    if (isStopping()) headers.connection = 'close'
    if (!compression || headers['transfer-encoding'] !== undefined) return answer
    if (!compression.mayCompress(Buffer.byteLength(body), status, (name) => headers[name])) return answer
    headers.vary = varyByEncoding(headers.vary)
    return exchange.method === 'HEAD' ? answer : compressed(compression, exchange, answer)
  }
}

async function compressed(
  compression: Compression,
  exchange: Exchange,
  { status, headers, body }: HttpAnswer,
): Promise<HttpAnswer> {
  const smaller = await compression.compress(body, exchange.header('accept-encoding'), exchange.holder)
  if (!smaller) return { status, headers, body }
  return {
    status,
    headers: { ...headers, ...encodedHeaders(smaller, headers.etag) },
    body: smaller.bytes,
  }
}
