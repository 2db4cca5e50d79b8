import type { z } from 'zod'
import type { CallerReads, CallerRecords } from '../records/types.ts'
import type { AttemptDatabase } from '../tools/tools.ts'
import type { CollectionsOf, PrivilegedTools, ReadTools, Tools } from '../tools/types.ts'

/** What the builders are told of an app, as types alone: `createBuilders<App>()`. */
export interface AppTypes {
  /** `typeof collections`, with `import type * as collections from '../drizzle/collections.ts'`. */
  readonly collections: object
  /** `typeof integrations`, what `defineIntegrations` gave. */
  readonly integrations: object
  /** `typeof env`, the schema of what `ctx.env` shows. */
  readonly env: z.ZodObject
}

// Interfaces, so that an error and a hint name them instead of spelling them out.

/** The app's authority over its data and its integrations, typed by the app's own declarations. */
export interface ActionTools<A extends AppTypes>
  extends Tools<CollectionsOf<A['collections']>, AttemptDatabase, A['integrations']> {}

/** What actions of the owner's and of the app's own have. */
export interface OwnerTools<A extends AppTypes>
  extends PrivilegedTools<CollectionsOf<A['collections']>, AttemptDatabase, A['integrations']> {}

/** What an action that only reads has of it. */
export interface ActionReadTools<A extends AppTypes>
  extends ReadTools<CollectionsOf<A['collections']>, AttemptDatabase> {}

/** The app's collections under the caller's permissions. */
export interface CallerTools<A extends AppTypes> extends CallerRecords<CollectionsOf<A['collections']>> {}

/** What an action that only reads has of it. */
export interface CallerReadTools<A extends AppTypes> extends CallerReads<CollectionsOf<A['collections']>> {}

/** The app's own environment, parsed. */
export type EnvOf<A extends AppTypes> = Readonly<z.output<A['env']>>
