import { z } from 'zod'
import type { Schedules } from '../builders/schedules.ts'
import type { ErrorHook } from '../core/error-reports.ts'
import type { WebSources } from '../http/content-security-policy.ts'
import type { AnyRoutes } from '../http/custom-routes.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import type { AppRouter } from '../routers/app-router.ts'
import { type Actions, checkedActions, type NoActions } from '../routers/registry.ts'
import type { CollectionsOf } from '../tools/types.ts'

/** A front end that the app's server serves. */
export interface WebDefinition<TEnv> {
  /**
   * The folder that was built, seen from the compiled `server/app.ts`: `new URL('../web', import.meta.url)` is
   * `dist/web`. Where it does not exist, as in development, no front end is served.
   */
  readonly folder: URL
  /** What its pages may use of other hosts, fixed or by the environment. @default nothing */
  readonly sources?: WebSources | ((env: TEnv) => WebSources) | undefined
}

/** What an app is made of, whatever its types. */
export interface AppParts {
  /** The exports of `drizzle/collections.ts`. */
  readonly collections: object
  readonly actions: Actions
  readonly integrations: IntegrationDeclarations
  /** The schema of what `ctx.env` shows, read from the environment at start. */
  readonly env: z.ZodObject
  /** The folder of the app's migrations, as drizzle-kit wrote it. */
  readonly migrations: URL
  readonly routes?: AnyRoutes | undefined
  readonly web?: WebDefinition<never> | undefined
  /** What `defineSchedules` gave. @default none */
  readonly schedules?: Schedules | undefined
  /**
   * Told of each unexpected error, once, for Sentry and the like: what was thrown, and where. A call does not wait for it,
   * and does not fail by it. @default no one is told
   */
  readonly onError?: ErrorHook | undefined
}

/** The parts of an app as its author gives them. */
export interface AppDefinition<
  TActions extends object,
  TCollections extends object,
  TIntegrations extends IntegrationDeclarations,
  TEnv extends z.ZodObject,
> extends Pick<AppParts, 'migrations' | 'onError' | 'routes' | 'schedules'> {
  /** The exports of `drizzle/collections.ts`: `import * as collections from '../drizzle/collections.ts'`. */
  readonly collections: TCollections
  /** The exports of `server/routers/actions/index.ts`: `import * as actions from './routers/actions/index.ts'`. */
  readonly actions: TActions
  /** What `defineIntegrations` gave. @default none */
  readonly integrations?: TIntegrations
  /** The schema of what `ctx.env` shows, read from the environment at start. @default an empty one */
  readonly env?: TEnv
  /** The front end that its server serves beside `routes`. @default none */
  readonly web?: WebDefinition<NoInfer<z.output<TEnv>>> | undefined
}

/** An app, ready to be started or tested. */
export interface App<
  TActions extends object,
  TCollections extends object,
  TIntegrations extends IntegrationDeclarations,
  TEnv extends z.ZodObject,
> extends AppParts {
  readonly collections: TCollections
  readonly integrations: TIntegrations
  readonly env: TEnv
  readonly web?: WebDefinition<z.output<TEnv>> | undefined
  /** The type of its router; no value. */
  readonly $router: AppRouter<TActions, CollectionsOf<TCollections>, TIntegrations>
  /** What among its actions is none, as a type; no value. */
  readonly $noActions: NoActions<TActions>
}

/**
 * What clients are typed by: `export type AppRouter = RouterOf<typeof app>`. It stands in the app's own file, where the
 * compiler checks that all actions are actions; who uses the type has only those read that they call.
 */
export type RouterOf<TApp extends { readonly $router: unknown; readonly $noActions: never }> = TApp['$router']

/** Puts an app together. Opens nothing and reads nothing. */
export function defineApp<
  TActions extends object,
  TCollections extends object,
  const TIntegrations extends IntegrationDeclarations = Record<never, never>,
  TEnv extends z.ZodObject = z.ZodObject<Record<never, never>>,
>(
  definition: AppDefinition<TActions, TCollections, TIntegrations, TEnv>,
): App<TActions, TCollections, TIntegrations, TEnv> {
  const parts: AppParts = {
    collections: definition.collections,
    actions: checkedActions(definition.actions),
    integrations: definition.integrations ?? {},
    env: definition.env ?? z.object({}),
    migrations: definition.migrations,
    routes: definition.routes,
    web: definition.web as WebDefinition<never> | undefined, // Its sources are given what `env` reads.
    schedules: definition.schedules,
    onError: definition.onError,
  }
  // The router exists once the app is started; until then it is a type alone.
  return parts as App<TActions, TCollections, TIntegrations, TEnv>
}
