// The baseline: the same calls as a good engineer would write them by hand, without Deputy.
import Fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify-baseline'
import postgres from 'postgres'
import { Agent, request as send } from 'undici'
import { uuidv7 } from 'uuidv7'
import { type Answer, ok, refused } from './answer.ts'
import { createAuthenticate } from './auth.ts'
import { AlreadyInvited, createEvent, type Invitation, inviteAttendee, type NewEvent } from './events.ts'
import { once } from './idempotency.ts'
import { listAttendees, listNotes } from './lists.ts'
import { echoBody, invitationBody, listBody, newEventBody, notesQuery } from './schemas.ts'
import { StillInConflict } from './transaction.ts'

const { DATABASE_URL = '', PROVIDER_BASE_URL = '', PUBLIC_KEY = '', ISSUER = '', AUDIENCE = '' } = process.env

const sql = postgres(DATABASE_URL, { max: 10, onnotice: () => {} })
const provider = new Agent()
const authenticate = await createAuthenticate({
  publicKeyPem: PUBLIC_KEY,
  issuer: ISSUER,
  audience: AUDIENCE,
})
// A line for each request, as Deputy writes one for each call.
const app = Fastify({
  logger: { level: 'info' },
  logController: new LogController({ disableRequestLogging: true }),
  genReqId: () => uuidv7(),
})
app.decorateRequest('userId', '')
app.addHook('onRequest', async (request, reply) => {
  const userId = await authenticate(request.headers.authorization)
  if (userId === undefined) return respond(reply, refused(401, 'UNAUTHORIZED', 'Sign in first.'))
  request.userId = userId
  return undefined
})
app.addHook('onResponse', async (request, reply) => {
  request.log.info(
    { userId: request.userId, status: reply.statusCode, durationMs: reply.elapsedTime },
    'Call',
  )
})
app.setErrorHandler((error, request, reply) => {
  if (error instanceof StillInConflict)
    return respond(reply, refused(503, 'SERVICE_UNAVAILABLE', 'Try again.'))
  if (error instanceof AlreadyInvited)
    return respond(reply, refused(409, 'CONFLICT', 'This attendee was invited before.'))
  if (error instanceof Error && 'validation' in error)
    return respond(reply, refused(400, 'BAD_REQUEST', error.message))
  request.log.error(error)
  return respond(reply, refused(500, 'INTERNAL_SERVER_ERROR', 'Something went wrong.'))
})

app.post<{ Body: { message: string } }>('/api/actions/echo', echoBody, async ({ body }, reply) =>
  respond(reply, ok({ message: body.message })),
)
app.post<{ Body: NewEvent }>('/api/actions/createEvent', newEventBody, async (request, reply) =>
  respond(
    reply,
    await once(sql, keyed(request, 'createEvent'), (tx) => createEvent(tx, caller(request), request.body)),
  ),
)
app.post<{ Body: Invitation }>('/api/actions/inviteAttendee', invitationBody, async (request, reply) =>
  respond(
    reply,
    await once(sql, keyed(request, 'inviteAttendee'), (tx) =>
      inviteAttendee(tx, caller(request), request.body),
    ),
  ),
)
app.post<{ Body: { eventId: string; limit?: number } }>(
  '/api/actions/listAttendees',
  listBody,
  async ({ userId, body }, reply) => respond(reply, await listAttendees(sql, userId, body)),
)
app.get<{ Querystring: { limit: number } }>(
  '/api/records/notes',
  notesQuery,
  async ({ userId, query }, reply) => respond(reply, await listNotes(sql, userId, query.limit)),
)
app.post('/api/actions/askProvider', echoBody, async ({ body }, reply) => {
  const answer = await send(`${PROVIDER_BASE_URL}/quick`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    dispatcher: provider,
  })
  return respond(reply, ok(await answer.body.json()))
})

function caller({ userId, id, ip }: FastifyRequest) {
  return { userId, requestId: id, ip }
}

function keyed(request: FastifyRequest, action: string) {
  const key = request.headers['idempotency-key']
  return {
    actor: request.userId,
    action,
    key: typeof key === 'string' ? key : undefined,
    input: request.body,
  }
}

function respond(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply.code(status).send(body)
}

declare module 'fastify-baseline' {
  interface FastifyRequest {
    userId: string
  }
}

const stop = () => process.exit()
process.on('SIGTERM', stop)
process.on('disconnect', stop)
process.send?.({ url: await app.listen({ host: '127.0.0.1', port: 0 }) })
