import { z } from 'zod'
import type { AnyRoutes } from '../http/custom-routes.ts'
import type { IntegrationDeclarations } from '../integrations/declare.ts'
import type { createAppRouter } from '../routers/app-router.ts'
import type { Actions } from '../routers/registry.ts'
import type { CollectionsOf } from '../tools/types.ts'

/** What an app is made of, whatever its types. */
export interface AppParts {
  /** The exports of `drizzle/collections.ts`. */
  readonly collections: object
  /** What `actionRegistry` gave. */
  readonly actions: Actions
  readonly integrations: IntegrationDeclarations
  /** The schema of what `ctx.env` shows, read from the environment at start. */
  readonly env: z.ZodObject
  /** The folder of the app's migrations, as drizzle-kit wrote it. */
  readonly migrations: URL
  readonly routes?: AnyRoutes | undefined
}

/** The parts of an app as its author gives them. */
export interface AppDefinition<
  TActions extends Actions,
  TCollections extends object,
  TIntegrations extends IntegrationDeclarations,
  TEnv extends z.ZodObject,
> extends Pick<AppParts, 'migrations' | 'routes'> {
  /** The exports of `drizzle/collections.ts`: `import * as collections from '../drizzle/collections.ts'`. */
  readonly collections: TCollections
  /** What `actionRegistry` gave. */
  readonly actions: TActions
  /** What `defineIntegrations` gave. @default none */
  readonly integrations?: TIntegrations
  /** The schema of what `ctx.env` shows, read from the environment at start. @default an empty one */
  readonly env?: TEnv
}

/** An app, ready to be started or tested. */
export interface App<
  TActions extends Actions,
  TCollections extends object,
  TIntegrations extends IntegrationDeclarations,
  TEnv extends z.ZodObject,
> extends AppParts {
  readonly actions: TActions
  readonly collections: TCollections
  readonly integrations: TIntegrations
  readonly env: TEnv
  /** The type of its router, by which clients are typed; no value: `type AppRouter = (typeof app)['$router']`. */
  readonly $router: ReturnType<typeof createAppRouter<TActions, CollectionsOf<TCollections>, TIntegrations>>
}

/** Puts an app together. Opens nothing and reads nothing. */
export function defineApp<
  const TActions extends Actions,
  TCollections extends object,
  const TIntegrations extends IntegrationDeclarations = Record<never, never>,
  TEnv extends z.ZodObject = z.ZodObject<Record<never, never>>,
>(
  definition: AppDefinition<TActions, TCollections, TIntegrations, TEnv>,
): App<TActions, TCollections, TIntegrations, TEnv> {
  const parts: AppParts = {
    collections: definition.collections,
    actions: definition.actions,
    integrations: definition.integrations ?? {},
    env: definition.env ?? z.object({}),
    migrations: definition.migrations,
    routes: definition.routes,
  }
  // The router exists once the app is started; until then it is a type alone.
  return parts as App<TActions, TCollections, TIntegrations, TEnv>
}
