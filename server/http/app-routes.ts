import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { routePath } from 'hono/route'
import type { NamedActions } from '../builders/named-actions.ts'
import { DefinitionError, INTERNAL_MESSAGE } from '../core/errors.ts'
import { fail } from '../core/result.ts'
import type { Engine } from '../invocation/engine.ts'
import { type BodyLimits, limitBody } from './body-limits.ts'
import { compressAnswers } from './compress-middleware.ts'
import type { Compression } from './compression.ts'
import type { Cors } from './cors.ts'
import {
  type AnyRoutes,
  createRoutesOptions,
  type KnownRequest,
  type RoutesOptions,
} from './custom-routes.ts'
import { ENGINE_PREFIXES, isEngineAddress } from './engine-addresses.ts'
import type { Exchange, WebAnswer } from './exchange.ts'
import { FRONT_PAGE, FRONT_PAGE_HEADERS, isFrontPage } from './front-page.ts'
import { BodyTooLargeError, MAX_BODY_BYTES, tooLarge } from './request-input.ts'
import { headersOfAll, NOTHING_HERE, respond } from './respond.ts'
import type { WebFiles } from './web-files.ts'

export interface AppRoutesOptions {
  readonly engine: Engine
  readonly routes: AnyRoutes
  /** What the routes may run. */
  readonly actions: NamedActions
  /** Whose page is answered where no route is. */
  readonly web: WebFiles | undefined
  /** What the routes say about bodies is added here, and then no more. */
  readonly bodyLimits: BodyLimits
  readonly cors: Cors | undefined
  readonly compression: Compression | undefined
  /** The address that a request came from. */
  addressOf(exchange: Exchange): string | undefined
  isStopping(): boolean
}

/** Leaves an exchange to the app's routes. */
export type AppRoutes = (exchange: Exchange, requestId: string) => WebAnswer

interface HonoEnv {
  Bindings: { readonly exchange: Exchange; readonly requestId: string }
  /** Whether no route of the app's answers. */
  Variables: { isUnserved?: boolean }
}

/** Serves the app's own routes. Their answers say of themselves what all answers do. */
export function createAppRoutes(options: AppRoutesOptions): AppRoutes {
  const { engine, bodyLimits, cors, compression, isStopping } = options
  const requests = new WeakMap<Request, KnownRequest>()
  const app = new Hono<HonoEnv>()
  // Around what `Vary` is written by.
  if (compression) app.use(compressAnswers(compression))
  app.use(async (c, next) => {
    const startedMs = performance.now()
    await next()
    engine.observer?.requestAnswered(c.get('isUnserved') ? 'none' : 'route', c.res.status)
    // Whoever tries addresses must not fill the log.
    if (!c.get('isUnserved'))
      engine.log.info(
        {
          requestId: c.env.requestId,
          method: c.req.method,
          route: routePath(c, -1),
          status: c.res.status,
          durationMs: Math.round(performance.now() - startedMs),
        },
        'Route',
      )
    for (const [name, value] of Object.entries(headersOfAll(c.env.requestId))) c.header(name, value)
    if (isStopping()) c.header('connection', 'close')
    if (!cors) return
    for (const [name, value] of Object.entries(cors.headers(c.req.header('origin')))) {
      // A route may expose headers of its own.
      c.header(name, value, { append: name === 'access-control-expose-headers' })
    }
    c.header('vary', 'Origin', { append: true })
  })
  const wholeBody = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => refuseBody(c, MAX_BODY_BYTES) })
  app.use(async (c, next) => {
    // An address of the engine's that is encoded is none of the app's.
    if (isEngineAddress(c.req.path)) return respond(NOTHING_HERE, c.env.requestId)
    const limit = bodyLimits.of(c.env.exchange.target)
    if (!limit) return wholeBody(c, next)
    const { request, isExceeded } = limitBody(c.req.raw, limit.maxBodyBytes)
    c.req.raw = request
    await next()
    // Whatever the route made of it.
    if (isExceeded()) c.res = refuseBody(c, limit.maxBodyBytes)
    return undefined
  })
  app.use(async (c, next) => {
    // A body that was read or is counted is another request.
    const { exchange, requestId } = c.env
    requests.set(c.req.raw, { requestId, clientAddress: () => options.addressOf(exchange) })
    return next()
  })
  const given = createRoutesOptions({ engine, actions: options.actions, requests, bodyLimits })
  // The collections given at start are those that the app's types describe.
  const routes = options.routes(given as RoutesOptions<never>)
  refuseReserved(routes)
  app.route('/', routes)
  app.notFound(async (c) => {
    c.set('isUnserved', true)
    const page = await options.web?.page(c.env.exchange, c.req.path, c.env.requestId)
    // Copied, since a Response takes no view of memory that might be shared.
    if (page) return new Response(page.status === 304 ? null : new Uint8Array(Buffer.from(page.body)), page)
    return isFrontPage(c.req.method, c.req.path)
      ? c.body(FRONT_PAGE, 200, FRONT_PAGE_HEADERS)
      : respond(NOTHING_HERE, c.env.requestId)
  })
  app.onError((error, c) => {
    const { requestId } = c.env
    // It is answered where the body is counted.
    if (error instanceof BodyTooLargeError)
      return respond(fail('PAYLOAD_TOO_LARGE', error.message), requestId)
    if (c.req.raw.signal.aborted || error.message === 'aborted') {
      engine.log.debug({ requestId }, 'A request ended before it was complete')
      return respond(fail('BAD_REQUEST', 'The request ended before it was complete.'), requestId)
    }
    engine.errorReports.report(error, { kind: 'route', requestId, route: routePath(c, -1) })
    engine.log.error({ err: error, requestId }, 'A request failed with an unexpected error')
    return respond(fail('INTERNAL_SERVER_ERROR', INTERNAL_MESSAGE), requestId)
  })
  return (exchange, requestId) => (request, env) => app.fetch(request, { ...env, exchange, requestId })
}

/** @throws {DefinitionError} where a route could never be reached, since the engine answers there. */
function refuseReserved({ routes }: Hono): void {
  const reserved = routes.find(({ path }) => isEngineAddress(path))
  if (!reserved) return
  const { method, path } = reserved
  throw new DefinitionError(
    `server/routes.ts serves ${method} ${path}, but ${ENGINE_PREFIXES.join(', ')} and all below them are the engine’s. Give the route another address, such as /hooks/payments.`,
  )
}

function refuseBody(c: Context, maxBytes: number): Response {
  const refused = respond(fail('PAYLOAD_TOO_LARGE', tooLarge(maxBytes)), c.env.requestId)
  // The rest of the body stays unread: no other request may follow on this connection.
  refused.headers.set('connection', 'close')
  return refused
}
