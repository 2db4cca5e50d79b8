import { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import { UNAUTHORIZED_MESSAGE } from '../core/errors.ts'
import { type ActionResult, type Failure, fail, type JsonValue, ok } from '../core/result.ts'
import type { Omissible } from '../core/typed-procedures.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import { parseEndpoint } from '../integrations/endpoint.ts'
import type { ClientCall } from '../integrations/endpoint-types.ts'
import type { Integrations, PublicIntegration } from '../integrations/integrations.ts'
import { runCall } from '../invocation/call.ts'
import { callIntegration } from '../tools/tools.ts'
import type { AcceptedCall } from '../trpc/call.ts'
import { defineMutation, defineQuery } from '../trpc/callable.ts'
import { anyone, type Gate } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import type { MutationProcedure, QueryProcedure } from '../trpc/procedures.ts'

export const INTEGRATIONS_PREFIX = 'integrations.'

/** Integrations for callers who need no action around them, as far as each declares that it is open. */
export type IntegrationsProcedures<TIntegrations> = {
  request: MutationProcedure<ClientCall<TIntegrations>, JsonValue>
  list: QueryProcedure<Omissible<undefined>, { readonly integrations: readonly PublicIntegration[] }>
}

const schemas = {
  // The endpoint's own schema checks the data.
  request: z.strictObject({ endpoint: z.string(), data: z.unknown().optional() }),
  list: z.strictObject({}).optional(),
}

export function createIntegrationsRouter() {
  const procedures = {
    request: defineMutation({
      callers: anyone,
      isIntegration: true,
      gate: openToClients,
      schema: schemas.request,
      shownBy: ({ engine }, input) => shownSchema(engine.integrations, input),
      trail: 'when it matters',
      run: request,
    }),
    list: defineQuery({
      callers: anyone,
      schema: schemas.list,
      trail: 'none',
      run: ({ engine }) => ok({ integrations: engine.integrations.publicIntegrations() }),
    }),
  }
  return t.router(procedures as unknown as IntegrationsProcedures<IntegrationDeclarations>)
}

const openToClients: Gate<Actor> = async ({ ctx, actor, readInput }) => {
  const endpoint = endpointOf(await readInput())
  return endpoint === undefined ? undefined : refuseClient(ctx.engine.integrations, actor, endpoint)
}

/**
 * Why an endpoint is not open to a caller; undefined where it is. Whatever is not open looks the same, declared or
 * not, and a name that would have to be decoded first is none.
 */
export function refuseClient(
  integrations: Pick<Integrations, 'clientsOf'>,
  actor: Actor,
  endpoint: string,
): Failure | undefined {
  const integration = endpoint.includes('%') ? undefined : parseEndpoint(endpoint)?.integration
  const clients = integration === undefined ? undefined : integrations.clientsOf(integration)
  switch (clients) {
    case 'anyone':
      return undefined
    case 'users':
      return actor.kind === 'user' ? undefined : fail('UNAUTHORIZED', UNAUTHORIZED_MESSAGE)
    case 'none':
    case undefined:
      return fail('NOT_FOUND', 'There is no such integration for clients; GET /api/integrations lists them.')
  }
}

/** Runs the call as an action that does nothing else would. */
function request(
  call: AcceptedCall<Actor, z.output<typeof schemas.request>>,
): Promise<ActionResult<JsonValue>> {
  const { engine, actor, input } = call
  return runCall(engine, call, (attempt) => {
    const settings = {
      integrations: engine.integrations,
      callerJwt: actor.kind === 'user' ? actor.token : undefined,
      fingerprint: engine.fingerprint,
    }
    // The plan of the call refuses what is no JSON.
    return callIntegration(attempt, settings, input.endpoint, input.data as JsonValue | undefined)
  })
}

const hidden = z.unknown().meta({ secret: true })

/** What the audit may show of a call. In data that is not right, a secret may stand anywhere. */
function shownSchema(
  integrations: Pick<Integrations, 'inputSchema'>,
  { endpoint, data = {} }: z.output<typeof schemas.request>,
): z.ZodType | undefined {
  const declared = integrations.inputSchema(endpoint)
  return declared && z.object({ data: declared.safeParse(data).success ? declared : hidden })
}

function endpointOf(raw: unknown): string | undefined {
  if (typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, 'endpoint')) return undefined
  const { endpoint } = raw as { readonly endpoint: unknown }
  return typeof endpoint === 'string' ? endpoint : undefined
}
