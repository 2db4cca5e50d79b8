import type { AnyProcedure, inferProcedureInput, inferProcedureOutput, TRPCBuiltRouter } from '@trpc/server'
import type { Declared } from '../builders/action-definition.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import type { OpenStreams } from '../live/live-hub.ts'
import type { Examine } from '../metrics/examination.ts'
import type { Catalog } from '../tools/catalog.ts'
import type { AnyCollections } from '../tools/types.ts'
import { t } from '../trpc/init.ts'
import { createAuditRouter } from './audit.ts'
import { createCallsRouter } from './calls.ts'
import { createCreditsRouter } from './credits.ts'
import { createDataRouter } from './data.ts'
import { createIntegrationsRouter, type IntegrationsProcedures } from './integrations.ts'
import { createJobsRouter } from './jobs.ts'
import { createOutboxRouter } from './outbox.ts'
import { createRecordsRouter, type RecordsProcedures } from './records.ts'
import { type Actions, type AnyAction, clientActions, liveActions } from './registry.ts'
import { createSchedulesRouter } from './schedules.ts'
import { createStatusRouter } from './status.ts'
import { createUsersRouter, type UsersProcedures } from './users.ts'

type Root = (typeof t)['_config']['$types']
type RecordOf<TCreate extends (...options: never) => { readonly _def: { readonly record: unknown } }> =
  ReturnType<TCreate>['_def']['record']

/**
 * The procedures of an app. Mapped over names alone: the type of an action, for which the compiler reads its handler,
 * is asked for when the action is.
 */
export type AppProcedures<
  TActions,
  TCollections extends AnyCollections,
  TIntegrations extends IntegrationDeclarations,
> = {
  actions: ActionProcedures<TActions>
  audit: RecordOf<typeof createAuditRouter>
  calls: RecordOf<typeof createCallsRouter>
  credits: RecordOf<typeof createCreditsRouter>
  data: RecordOf<typeof createDataRouter>
  integrations: IntegrationsProcedures<TIntegrations>
  jobs: RecordOf<typeof createJobsRouter>
  outbox: RecordOf<typeof createOutboxRouter>
  records: RecordsProcedures<TCollections>
  schedules: RecordOf<typeof createSchedulesRouter>
  status: RecordOf<typeof createStatusRouter>
  users: UsersProcedures<TCollections>
}

/**
 * With a name of its own, which the compiler says in place of all actions. An internal action is `never` here: to leave
 * its name out, the compiler would have to read the handlers of all actions for a call of one.
 */
type ActionProcedures<TActions> = { [K in keyof TActions]: Extract<TActions[K], AnyAction> }

/** The router of an app, as a type. */
export type AppRouter<
  TActions,
  TCollections extends AnyCollections,
  TIntegrations extends IntegrationDeclarations,
> = TRPCBuiltRouter<Root, AppProcedures<TActions, TCollections, TIntegrations>>

/** Procedures as functions, as a caller in process has them; each looked at when it is asked for. */
export type CallerOf<TProcedures> = {
  readonly [K in keyof TProcedures]: [TProcedures[K]] extends [never]
    ? never
    : TProcedures[K] extends AnyProcedure
      ? Called<TProcedures[K]> & Shown<TProcedures[K]>
      : CallerOf<TProcedures[K]>
}

type Called<TProcedure extends AnyProcedure> = (
  input: inferProcedureInput<TProcedure>,
) => Promise<inferProcedureOutput<TProcedure>>

/** An action that only reads is shown live as well. */
type Shown<TProcedure extends AnyProcedure> = TProcedure extends Declared & {
  readonly _def: { readonly type: 'query' }
}
  ? {
      /** Gives what it answers now and after each change, until the iteration ends. */
      live(
        input: inferProcedureInput<TProcedure>,
      ): Promise<AsyncIterable<inferProcedureOutput<TProcedure>, void, undefined>>
    }
  : unknown

/**
 * The router of an app: its actions, flat; its collections as the caller, and as the app; its users; its
 * integrations, what they cost, and what is sent to them later; its audit log, and how it was called; and how the server is.
 */
export function createAppRouter(
  actions: Actions,
  catalog: Catalog,
  hub: OpenStreams,
  examine: Examine = findNothing,
) {
  return t.router({
    actions: t.router({ ...clientActions(actions), ...liveActions(actions, hub) }),
    audit: createAuditRouter(),
    calls: createCallsRouter(),
    credits: createCreditsRouter(),
    data: createDataRouter(),
    integrations: createIntegrationsRouter(),
    jobs: createJobsRouter(),
    outbox: createOutboxRouter(),
    records: createRecordsRouter(catalog, hub),
    schedules: createSchedulesRouter(),
    status: createStatusRouter(hub, examine),
    users: createUsersRouter(),
  })
}

async function* findNothing() {}
