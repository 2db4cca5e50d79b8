import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import type { Logger } from 'pino'
import { createActionContext } from './action-context.ts'
import { verifiedUser } from './auth/authentication.ts'
import type { Verifier } from './auth/verifier.ts'
import { createAuthenticator, createRequestContext, type RequestContext } from './context.ts'
import type { Database } from './db/database.ts'
import type { Engine } from './engine.ts'
import { INTERNAL_MESSAGE } from './errors.ts'
import type { IntegrationCaller } from './integrations/caller.ts'
import { createFingerprint } from './invocation/fingerprint.ts'
import { Invocation } from './invocation/invocation.ts'
import { runInvocation } from './invocation/run.ts'
import { Turns } from './invocation/turns.ts'
import { createActionEndpoint } from './rest/actions.ts'
import type { Routes, RoutesOptions } from './rest/custom-routes.ts'
import { respond } from './rest/respond.ts'
import { respondTrpc, serveTrpc, TRPC_PATH } from './rest/trpc-endpoint.ts'
import { type Failure, fail } from './result.ts'
import { createAppRouter } from './routers/app-router.ts'
import type { Actions } from './routers/registry.ts'
import { createCatalog } from './tools/catalog.ts'

export interface AppOptions<TActions extends Actions> {
  readonly database: Database
  /** The exports of `drizzle/collections.ts`. */
  readonly collections: Readonly<Record<string, unknown>>
  readonly actions: TActions
  readonly integrations: IntegrationCaller
  readonly verifier: Verifier
  readonly log: Logger
  readonly routes?: Routes
  /** Without it nobody passes an owner gate. */
  readonly ownerUserId?: string | undefined
  /** What `ctx.env` shows. @default {} */
  readonly appEnv?: Readonly<Record<string, unknown>>
  /** Origins that browsers may call from. @default none */
  readonly corsOrigins?: readonly string[]
  /** @default the system's clock */
  readonly clock?: () => Date
}

export interface CallerOptions {
  /** The caller's Bearer token. Without it the call is anonymous. */
  readonly token?: string
}

const MAX_BODY_BYTES = 1024 * 1024
const READY_TIMEOUT_MS = 2_000
const READY_MEMORY_MS = 500
const REQUEST_ID = /^[\w.:-]{1,64}$/
/** Headers that decide who calls what; given twice, a proxy and we might each read another one. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'content-type',
  'idempotency-key',
])

/** A segment of an address that is `.` or `..`, encoded or not. */
const DOT_SEGMENT = /^[^?#]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i

interface HonoEnv {
  Bindings: { incoming?: IncomingMessage }
  Variables: { requestId: string }
}

/** Builds the app from what it is given. It listens to nothing and opens nothing. */
export function createApp<TActions extends Actions>(options: AppOptions<TActions>) {
  const engine: Engine = {
    catalog: createCatalog(options.collections),
    database: options.database,
    verifier: options.verifier,
    integrations: options.integrations,
    turns: new Turns(),
    fingerprint: createFingerprint(randomBytes(32)),
    clock: options.clock ?? (() => new Date()),
    log: options.log,
    ownerUserId: options.ownerUserId,
    appEnv: options.appEnv ?? {},
  }
  const router = createAppRouter(options.actions)
  let stopping = false

  return {
    engine,
    router,
    fetch: createHttp(engine, options, router, () => stopping).fetch,
    /** From now on `/readyz` answers 503 and connections are not kept. */
    stop: () => {
      stopping = true
    },
    /** Calls procedures in process, with real authentication, gates, validation and transactions. */
    createCaller: (caller: CallerOptions = {}) =>
      router.createCaller(
        createRequestContext(engine, {
          authorization: caller.token === undefined ? undefined : `Bearer ${caller.token}`,
          transport: 'caller',
        }),
      ),
  }
}

function createHttp<TActions extends Actions>(
  engine: Engine,
  options: AppOptions<TActions>,
  router: ReturnType<typeof createAppRouter>,
  isStopping: () => boolean,
) {
  const app = new Hono<HonoEnv>()
  const isDatabaseReady = remembered(() => engine.database.ping(READY_TIMEOUT_MS), READY_MEMORY_MS)
  const callAction = createActionEndpoint(router, options.actions)
  const context = (request: Request, requestId: string, transport: RequestContext['transport']) =>
    createRequestContext(engine, {
      authorization: request.headers.get('authorization') ?? undefined,
      requestId,
      transport,
    })

  app.use(async (c, next) => {
    const given = c.req.header('x-request-id')
    c.set('requestId', given !== undefined && REQUEST_ID.test(given) ? given : Invocation.mintRequestId())
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
  if (options.corsOrigins && options.corsOrigins.length > 0) {
    app.use(
      cors({
        origin: [...options.corsOrigins],
        allowHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-request-id'],
        exposeHeaders: ['x-request-id', 'retry-after', 'idempotency-replayed'],
        maxAge: 600,
      }),
    )
  }
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    const ready = !isStopping() && (await isDatabaseReady())
    return c.json(
      { status: ready ? 'ready' : isStopping() ? 'stopping' : 'database not available' },
      ready ? 200 : 503,
    )
  })
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (c) => {
        const refused = refuse(
          c,
          fail('PAYLOAD_TOO_LARGE', `A body may have at most ${MAX_BODY_BYTES} bytes.`),
        )
        // The rest of the body stays unread: no other request may follow on this connection.
        refused.headers.set('connection', 'close')
        return refused
      },
    }),
  )
  app.all('/api/actions/*', async (c) => {
    const requestId = c.get('requestId')
    if (c.req.method !== 'POST') {
      const refused = respond(fail('METHOD_NOT_SUPPORTED', 'Actions are called with POST.'), requestId)
      refused.headers.set('allow', 'POST')
      return refused
    }
    const path = new URL(c.req.url).pathname.slice('/api/actions/'.length)
    return respond(await callAction(context(c.req.raw, requestId, 'rest'), path, c.req.raw), requestId)
  })
  app.all(`${TRPC_PATH}/*`, async (c) => {
    const requestId = c.get('requestId')
    return serveTrpc(router, context(c.req.raw, requestId, 'trpc'), c.req.raw)
  })
  if (options.routes) app.route('/', options.routes(routesOptions(engine)))
  app.notFound((c) => respond(fail('NOT_FOUND', 'There is nothing at this address.'), c.get('requestId')))
  app.onError((error, c) => {
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
  return app
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

/** Refuses a request in the form that its transport reads. */
function refuse(c: Context<HonoEnv>, failure: Failure): Response {
  const answer = c.req.path.startsWith(`${TRPC_PATH}/`) ? respondTrpc : respond
  return answer(failure, c.get('requestId'))
}

function routesOptions(engine: Engine): RoutesOptions {
  return {
    async authenticate(request) {
      const requestId = Invocation.mintRequestId()
      const authorization = request.headers.get('authorization') ?? undefined
      const caller = verifiedUser(await createAuthenticator(engine, authorization, requestId).authenticate())
      return 'actor' in caller ? caller : { response: respond(caller.failure, requestId) }
    },
    async read(actor, handler) {
      const invocation = new Invocation({
        engine,
        actor,
        action: 'route',
        requestId: Invocation.mintRequestId(),
        readOnly: true,
        deadlineMs: 10_000,
      })
      const result = await runInvocation(invocation, (attempt) =>
        handler(createActionContext(invocation, attempt)),
      )
      return result as Awaited<ReturnType<typeof handler>>
    },
    respond: (result) => respond(result, Invocation.mintRequestId()),
  }
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
