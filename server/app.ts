// The one place where the app's rooms meet the engine.
import * as collections from '../drizzle/collections.ts'
import { integrations } from '../integrations.ts'
import { appEnv } from './env.ts'
import { actions } from './routers/actions/index.ts'
import type { createAppRouter } from './routers/app-router.ts'
import { routes } from './routes.ts'
import type { CollectionsOf } from './tools/types.ts'

export const composition = { collections, actions, integrations, appEnv, routes }

/** What clients are typed by. */
export type AppRouter = ReturnType<
  typeof createAppRouter<typeof actions, CollectionsOf<typeof collections>, typeof integrations>
>
