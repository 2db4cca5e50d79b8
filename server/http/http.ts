import type { IncomingMessage } from 'node:http'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { AddressRange } from '../auth/client-address.ts'
import { INTERNAL_MESSAGE } from '../core/errors.ts'
import { type ActionResult, type Failure, fail } from '../core/result.ts'
import type { Engine } from '../invocation/engine.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import type { Actions } from '../routers/registry.ts'
import { callablesOf } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import { createActionEndpoint } from './actions.ts'
import { createAuditEndpoint } from './audit.ts'
import { BodyLimits } from './body-limits.ts'
import { compressAnswers } from './compress-middleware.ts'
import { Compression } from './compression.ts'
import { createCors } from './cors.ts'
import { createCreditsEndpoint } from './credits.ts'
import type { AnyRoutes, RoutesOptions } from './custom-routes.ts'
import { createFastPath } from './fast-path.ts'
import { createFastTargets } from './fast-targets.ts'
import { HeldBytes, overloaded } from './held-bytes.ts'
import { withReplayed } from './idempotency-header.ts'
import { createIntegrationsEndpoint } from './integrations.ts'
import { BodyTooLargeError, limitBody, tooLarge } from './limited-body.ts'
import { MAX_BODY_BYTES } from './max-body-bytes.ts'
import { createOutboxEndpoint } from './outbox.ts'
import { PageSlots } from './page-slots.ts'
import { createRecordsEndpoint, type RecordsAnswer } from './records.ts'
import { createRequestContexts, requestIdOf } from './request-contexts.ts'
import { answerOf, respond } from './respond.ts'
import { createRoutesOptions } from './routes-options.ts'
import { respondTrpc, serveTrpc, TRPC_PATH } from './trpc-endpoint.ts'
import { createUsersEndpoint } from './users.ts'

export interface HttpOptions {
  readonly engine: Engine
  readonly router: ReturnType<typeof createAppRouter>
  readonly actions: Actions
  readonly routes: AnyRoutes | undefined
  readonly corsOrigins: readonly string[]
  readonly trustedProxies: readonly AddressRange[]
  readonly clientRateLimit: number | 'none'
  /** What all requests may hold together, in bytes. @default a quarter of the heap, from 16 to 256 MiB */
  readonly maxHeldBytes?: number | undefined
  /** Whether answers are compressed; off where a proxy does it. */
  readonly isCompressing: boolean
  isStopping(): boolean
}

const READY_TIMEOUT_MS = 2_000
const READY_MEMORY_MS = 500
/** Headers that decide who calls what; given twice, a proxy and we might each read another one. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'content-type',
  'idempotency-key',
])

/** Addresses that answer with records, or with entries of a log. */
const READS = /^\/api\/(?:records|users|audit|credits|outbox)(?:\/|$)/

/** A segment of an address that is `.` or `..`, encoded or not. */
const DOT_SEGMENT = /^[^?#]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i

interface HonoEnv {
  Bindings: { incoming?: IncomingMessage }
  Variables: { requestId: string }
}

/** Builds the HTTP side: health, REST, tRPC and the app's own routes. */
export function createHttp(options: HttpOptions) {
  const { engine, router, isStopping } = options
  const app = new Hono<HonoEnv>()
  const isDatabaseReady = remembered(() => engine.database.ping(READY_TIMEOUT_MS), READY_MEMORY_MS)
  const callAction = createActionEndpoint(options.actions)
  const callables = callablesOf(router)
  const callRecords = createRecordsEndpoint(callables)
  const below = [
    ['/api/users', createUsersEndpoint(callables)],
    ['/api/integrations', createIntegrationsEndpoint(callables)],
    ['/api/audit', createAuditEndpoint(callables)],
    ['/api/credits', createCreditsEndpoint(callables)],
    ['/api/outbox', createOutboxEndpoint(callables)],
  ] as const
  const contexts = createRequestContexts(options)
  const context = (c: Context<HonoEnv>, transport: 'rest' | 'trpc') => {
    const { headers } = c.req.raw
    return contexts({
      transport,
      requestId: c.get('requestId'),
      authorization: headers.get('authorization') ?? undefined,
      idempotencyKey: headers.get('idempotency-key') ?? undefined,
      peer: c.env?.incoming?.socket.remoteAddress,
      forwardedFor: headers.get('x-forwarded-for') ?? undefined,
    })
  }

  const requestIds = new WeakMap<Request, string>()
  const held = new HeldBytes(options.maxHeldBytes)
  const bodyLimits = new BodyLimits()
  const slots = new PageSlots(held.pages)

  const compression = options.isCompressing ? new Compression(held) : undefined
  // Around what `Vary` is written by.
  if (compression) app.use(compressAnswers(compression))
  const cors = options.corsOrigins.length > 0 ? createCors(options.corsOrigins) : undefined
  // Around everything else: a page reads a refusal too.
  if (cors) app.use(cors.middleware)
  app.use(async (c, next) => {
    c.set('requestId', requestIdOf(c.req.header('x-request-id')))
    requestIds.set(c.req.raw, c.get('requestId'))
    const repeated = repeatedHeader(c.env?.incoming?.rawHeaders ?? [])
    if (repeated) return refuse(c, fail('BAD_REQUEST', `The header ${repeated} may be given once only.`))
    // Resolving "." and ".." is the client's part (RFC 3986 §5.2.4); here they would lead past a proxy's rules.
    if (DOT_SEGMENT.test(c.env?.incoming?.url ?? ''))
      return refuse(c, fail('NOT_FOUND', 'There is nothing at this address.'))
    await next()
    c.header('x-request-id', c.get('requestId'))
    c.header('x-content-type-options', 'nosniff')
    if (isStopping()) c.header('connection', 'close')
    return undefined
  })
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    const ready = !isStopping() && (await isDatabaseReady())
    return c.json(
      { status: ready ? 'ready' : isStopping() ? 'stopping' : 'database not available' },
      ready ? 200 : 503,
    )
  })
  app.use(async (c, next) => {
    if (!held.isRefused(c.env?.incoming)) return next()
    const refused = refuse(c, overloaded())
    // Its body stays unread: no other request may follow on this connection.
    refused.headers.set('connection', 'close')
    return refused
  })
  const refuseBody = (c: Context<HonoEnv>, maxBytes: number) => {
    const refused = refuse(c, fail('PAYLOAD_TOO_LARGE', tooLarge(maxBytes)))
    // The rest of the body stays unread: no other request may follow on this connection.
    refused.headers.set('connection', 'close')
    return refused
  }
  const wholeBody = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => refuseBody(c, MAX_BODY_BYTES) })
  app.use(async (c, next) => {
    const limit = bodyLimits.of(c.env?.incoming?.url)
    if (!limit) return wholeBody(c, next)
    const { maxBodyBytes } = limit
    if (Number(c.req.header('content-length') ?? 0) > maxBodyBytes) return refuseBody(c, maxBodyBytes)
    const { request, isExceeded } = limitBody(c.req.raw, maxBodyBytes)
    c.req.raw = request
    await next()
    // Whatever the route made of it.
    if (isExceeded()) c.res = refuseBody(c, maxBodyBytes)
    return undefined
  })
  app.use(async (c, next) => {
    // A body that was read or is counted is another request.
    requestIds.set(c.req.raw, c.get('requestId'))
    return next()
  })
  app.use(async (c, next) => {
    const pages = pagesOf(router, c.req.method, c.req.path)
    if (pages === 0) return next()
    const release = await slots.take(pages)
    if (!release || c.env?.incoming?.socket.destroyed) {
      release?.()
      return refuse(c, overloaded())
    }
    try {
      await next()
    } finally {
      release()
    }
    return undefined
  })
  app.all('/api/actions/*', async (c) => {
    const requestId = c.get('requestId')
    if (c.req.method !== 'POST') {
      const refused = respond(fail('METHOD_NOT_SUPPORTED', 'Actions are called with POST.'), requestId)
      refused.headers.set('allow', 'POST')
      return refused
    }
    const path = new URL(c.req.url).pathname.slice('/api/actions/'.length)
    const ctx = context(c, 'rest')
    return respondTo(c, ctx, await callAction(ctx, path, c.req.raw))
  })
  /** A result, and whether it is that of an earlier call with the same key. */
  const respondTo = (c: Context<HonoEnv>, ctx: RequestContext, result: ActionResult<unknown>) => {
    const { status, headers, body } = withReplayed(answerOf(result, ctx.requestId), ctx)
    // What has been done is told, however little room there is.
    const isSent = held.answer(c.env?.incoming, body.length, isReading(c.req.method))
    return isSent ? new Response(body, { status, headers }) : refuse(c, overloaded())
  }
  const answer = (c: Context<HonoEnv>, ctx: RequestContext, { result, allow }: RecordsAnswer) => {
    const response = respondTo(c, ctx, result)
    if (allow !== undefined) response.headers.set('allow', allow)
    return response
  }
  app.all('/api/records/*', async (c) => {
    const ctx = context(c, 'rest')
    const path = new URL(c.req.url).pathname.slice('/api/records/'.length)
    return answer(c, ctx, await callRecords(ctx, path, c.req.raw))
  })
  for (const [name, call] of below) {
    app.all(`${name}/*`, async (c) => {
      const ctx = context(c, 'rest')
      return answer(c, ctx, await call(ctx, new URL(c.req.url).pathname.slice(name.length), c.req.raw))
    })
  }
  app.all(`${TRPC_PATH}/*`, async (c) => {
    const response = await serveTrpc(router, context(c, 'trpc'), c.req.raw)
    // Lines that are sent one by one are not held.
    if (response.headers.get('content-type') !== 'application/json') return response
    const { status, headers } = response
    const body = await response.text()
    const isSent = held.answer(c.env?.incoming, body.length, readsOnly(router, c.req.path))
    return isSent ? new Response(body, { status, headers }) : refuse(c, overloaded())
  })
  if (options.routes) {
    const given = createRoutesOptions({ engine, requestIds, bodyLimits })
    // The collections given at start are those that the app's types describe.
    app.route('/', options.routes(given as RoutesOptions<never>))
  }
  bodyLimits.complete()
  app.notFound((c) => respond(fail('NOT_FOUND', 'There is nothing at this address.'), c.get('requestId')))
  app.onError((error, c) => {
    // It is answered where the body is counted.
    if (error instanceof BodyTooLargeError) return refuse(c, fail('PAYLOAD_TOO_LARGE', error.message))
    if (c.req.raw.signal.aborted || error.message === 'aborted') {
      engine.log.debug({ requestId: c.get('requestId') }, 'A request ended before it was complete')
      return refuse(c, fail('BAD_REQUEST', 'The request ended before it was complete.'))
    }
    engine.log.error(
      { err: error, requestId: c.get('requestId') },
      'A request failed with an unexpected error',
    )
    return refuse(c, fail('INTERNAL_SERVER_ERROR', INTERNAL_MESSAGE))
  })
  return {
    fetch: app.fetch,
    held,
    bodyLimits,
    fastPath: createFastPath({
      engine,
      held,
      slots,
      contexts,
      isStopping,
      maxBodyBytes: MAX_BODY_BYTES,
      cors,
      compression,
      target: createFastTargets(options.actions, callRecords),
      fallBack: async (incoming, body) => app.fetch(requestOf(incoming, body), { incoming }),
    }),
  }
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** How many pages a request may read: each read of ours may answer with one. */
function pagesOf(router: HttpOptions['router'], method: string, path: string): number {
  if (path.startsWith(`${TRPC_PATH}/`)) return typesOf(router, path).filter((type) => type === 'query').length
  return isReading(method) && READS.test(path) ? 1 : 0
}

/** Whether a request over tRPC calls nothing that writes. */
function readsOnly(router: HttpOptions['router'], path: string): boolean {
  return typesOf(router, path).every((type) => type !== 'mutation')
}

/** Of every procedure that a request over tRPC calls; undefined for one that does not exist. */
function typesOf(router: HttpOptions['router'], path: string): readonly (string | undefined)[] {
  // At run time they are listed flat, by their whole paths.
  const procedures = router._def.procedures as unknown as Readonly<
    Record<string, { readonly _def: { readonly type: string } }>
  >
  const names = path.slice(TRPC_PATH.length + 1).split(/,|%2c/i)
  return names.map((name) => (Object.hasOwn(procedures, name) ? procedures[name]?._def.type : undefined))
}

/** Asks once for everybody who asks meanwhile and shortly after: probes must not take connections from calls. */
function remembered(ask: () => Promise<boolean>, memoryMs: number): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined
  return () => {
    answer ??= ask().finally(() => {
      setTimeout(() => {
        answer = undefined
      }, memoryMs).unref()
    })
    return answer
  }
}

/** A request whose body has been read already. */
function requestOf({ url = '/', method = 'POST', headers, rawHeaders }: IncomingMessage, body: Uint8Array) {
  const pairs = rawHeaders.flatMap((name, position): [string, string][] =>
    position % 2 === 0 ? [[name, rawHeaders[position + 1] ?? '']] : [],
  )
  return new Request(`http://${headers.host}${url}`, { method, headers: pairs, body: Buffer.from(body) })
}

/** Refuses a request in the form that its transport reads. */
function refuse(c: Context<HonoEnv>, failure: Failure): Response {
  const answer = c.req.path.startsWith(`${TRPC_PATH}/`) ? respondTrpc : respond
  return answer(failure, c.get('requestId'))
}

/** The name of a header that was given twice; Node would join the values or drop one of them. */
function repeatedHeader(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (let position = 0; position < rawHeaders.length; position += 2) {
    const name = rawHeaders[position]?.toLowerCase() ?? ''
    if (!SINGLE_HEADERS.has(name)) continue
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}
