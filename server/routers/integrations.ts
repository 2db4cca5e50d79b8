import type { TRPCMutationProcedure, TRPCQueryProcedure } from '@trpc/server'
import { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import { UNAUTHORIZED_MESSAGE } from '../core/errors.ts'
import { type ActionResult, type Failure, fail, type JsonValue, ok } from '../core/result.ts'
import type { ClientCall } from '../integrations/client-call.ts'
import { parseEndpoint } from '../integrations/endpoint.ts'
import type { CatalogueEntry, Integrations } from '../integrations/integrations.ts'
import { runCall } from '../invocation/call.ts'
import { thrown } from '../invocation/thrown.ts'
import { createTools } from '../tools/tools.ts'
import { type ActionMeta, t } from '../trpc/init.ts'
import { type InvokedContext, invoked, noteSent, withInput } from '../trpc/invoked.ts'
import { anyoneProcedure, parserOf } from '../trpc/procedure.ts'
import type { CalledContext } from '../trpc/run-as-caller.ts'

export const INTEGRATIONS_PREFIX = 'integrations.'

/** Integrations for callers who need no action around them, as far as each declares that it is open. */
export type IntegrationsProcedures<TIntegrations> = {
  request: TRPCMutationProcedure<{
    input: ClientCall<TIntegrations>
    output: ActionResult<JsonValue>
    meta: ActionMeta
  }>
  list: TRPCQueryProcedure<{
    // biome-ignore lint/suspicious/noConfusingVoidType: what lets a client leave the argument out.
    input: void
    output: ActionResult<{ readonly integrations: readonly CatalogueEntry[] }>
    meta: ActionMeta
  }>
}

const schemas = {
  // The endpoint's own schema checks the data.
  request: z.strictObject({ endpoint: z.string(), data: z.unknown().optional() }),
  list: z.strictObject({}).optional(),
}

export function createIntegrationsRouter<TIntegrations>() {
  const requesting = anyoneProcedure
    .use(({ ctx, next }) => {
      const refused = ctx.countCall()
      if (!refused) return next()
      ctx.engine.log.info({ requestId: ctx.requestId }, 'A call was one too many of its address')
      throw thrown(refused)
    })
    .use(invoked({ readOnly: false }))
    .use(async ({ ctx, getRawInput, next }) => {
      const raw = await getRawInput()
      const endpoint = endpointOf(raw)
      const refused = endpoint !== undefined && refuseClient(ctx.engine.integrations, ctx.actor, endpoint)
      if (refused) throw thrown(refused)
      noteSent(ctx.invocation, raw)
      return next()
    })
  const procedures = {
    request: requesting.input(parserOf(schemas.request)).mutation(({ ctx, input }) => request(ctx, input)),
    list: anyoneProcedure
      .input(parserOf(schemas.list))
      .query(({ ctx }) => ok({ integrations: ctx.engine.integrations.catalogue() })),
  }
  // What the types say of endpoints and data is what the integrations declare.
  return t.router(procedures as unknown as IntegrationsProcedures<TIntegrations>)
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
  ctx: CalledContext & InvokedContext,
  input: z.output<typeof schemas.request>,
): Promise<ActionResult<JsonValue>> {
  const { engine, actor, invocation } = ctx
  return runCall(withInput(invocation, input, shownSchema(engine.integrations, input)), (attempt) => {
    const tools = createTools(attempt, {
      integrations: engine.integrations,
      callerJwt: actor.kind === 'user' ? actor.token : undefined,
      fingerprint: engine.fingerprint,
    })
    // The plan of the call refuses what is no JSON.
    return tools.integration(input.endpoint, input.data as JsonValue | undefined)
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
