// The only place where the engine looks at the app's rooms, and it looks at their types alone.
import type { z } from 'zod'
import type * as collections from '../../drizzle/collections.ts'
import type { integrations } from '../../integrations.ts'
import type { appEnv } from '../env.ts'
import type { CallerReads, CallerRecords } from '../records/types.ts'
import type { AttemptDatabase } from '../tools/tools.ts'
import type { CollectionsOf, ReadTools, Tools } from '../tools/types.ts'

export type AppCollections = CollectionsOf<typeof collections>
export type AppEnv = Readonly<z.output<typeof appEnv>>

/** The app's authority over its data and its integrations, typed by the app's own declarations. */
export type ActionTools = Tools<AppCollections, AttemptDatabase, typeof integrations>

/** What an action that only reads has of it. */
export type ActionReadTools = ReadTools<AppCollections, AttemptDatabase>

/** The app's collections under the caller's permissions. */
export type CallerTools = CallerRecords<AppCollections>

/** What an action that only reads has of it. */
export type CallerReadTools = CallerReads<AppCollections>
