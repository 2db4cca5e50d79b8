import { auditQuerySchema } from '../audit/query.ts'
import { verifiedUser } from '../auth/authentication.ts'
import { fail } from '../core/result.ts'
import { outboxListSchema } from '../queue/list.ts'
import type { Callables } from '../trpc/callable.ts'
import { callOnce, type Endpoint, type EngineRequest, NOTHING_HERE, restEndpoint } from './endpoint.ts'
import { type JsonBody, readJsonBody } from './json-body.ts'
import { readList } from './list-parameters.ts'
import { numberOrText, readQueryString } from './query-string.ts'

/** Which procedure an address calls, by which method, and how its input is read. */
interface ProcedureRoute {
  readonly method: 'GET' | 'POST'
  readonly procedure: string
  readonly readInput: (request: EngineRequest) => JsonBody | Promise<JsonBody>
}

/** What is called over REST beside actions, records and integrations, by verified users. */
const ROUTES: Readonly<Record<string, ProcedureRoute>> = {
  '/api/audit': get('audit.list', parameters(...Object.keys(auditQuerySchema.shape))),
  '/api/credits': get('credits.balance', parameters('account')),
  '/api/credits/statement': get('credits.statement', parameters('account', 'limit', 'cursor')),
  '/api/credits/grant': post('credits.grant'),
  '/api/outbox': get('outbox.list', parameters(...Object.keys(outboxListSchema.shape))),
  '/api/outbox/retry': post('outbox.retry'),
  '/api/outbox/drop': post('outbox.drop'),
  '/api/users': get('users.list', ({ search }) => readList(search)),
  '/api/users/me': get('users.me', parameters()),
  '/api/users/register': post('users.register'),
  '/api/users/setBlocked': post('users.setBlocked'),
  '/api/users/setRole': post('users.setRole'),
}

/** Exposes procedures by the table. 401 comes before 404, and both before the request is read. */
export function createProcedureRoutes(callables: Callables): Endpoint {
  const routes = new Map(Object.entries(ROUTES))
  return restEndpoint(true, async (request) => {
    const { exchange, ctx } = request
    const caller = verifiedUser(await ctx.authenticator.authenticate())
    if ('failure' in caller) return { result: caller.failure }
    const route = routes.get(request.pathname)
    if (!route) return { result: NOTHING_HERE }
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
    if (method !== route.method) {
      const refused = fail('METHOD_NOT_SUPPORTED', `This address takes ${route.method}.`)
      return { result: refused, allow: route.method }
    }
    const input = await route.readInput(request)
    if ('failure' in input) return { result: input.failure }
    const call = { ctx, path: route.procedure, readInput: () => input.value }
    return { result: await callOnce(callables, call) }
  })
}

function get(procedure: string, readInput: ProcedureRoute['readInput']): ProcedureRoute {
  return { method: 'GET', procedure, readInput }
}

/** Reads a body, of an address that takes no parameters. */
function post(procedure: string): ProcedureRoute {
  return {
    method: 'POST',
    procedure,
    readInput({ exchange, search }) {
      const read = readQueryString(search, [])
      return 'failure' in read ? read : readJsonBody(exchange)
    },
  }
}

/** Reads the parameters of an address, of these names alone, as an input; `limit` is a number. */
function parameters(...names: readonly string[]): (request: EngineRequest) => JsonBody {
  return ({ search }) => {
    const read = readQueryString(search, names)
    if ('failure' in read) return read
    const limit = numberOrText(read.values.get('limit'))
    return { value: { ...Object.fromEntries(read.values), ...(limit === undefined ? {} : { limit }) } }
  }
}
