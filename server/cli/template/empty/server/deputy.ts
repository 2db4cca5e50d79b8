import * as deputy from 'deputyjs'
import type * as collections from '../drizzle/collections.ts'
import type { integrations } from '../integrations.ts'
import type { env } from './env.ts'

interface App {
  collections: typeof collections
  integrations: typeof integrations
  env: typeof env
}

export const { action, ownerAction, roleAction, internalAction } = deputy.createBuilders<App>()

/** What a handler is given. */
export type ActionContext = deputy.ActionContext<App>
/** What a handler is given that only reads. */
export type QueryContext = deputy.QueryContext<App>
/** The type of `routes` in `server/routes.ts`. */
export type Routes = deputy.Routes<App>
