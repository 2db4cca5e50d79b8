import { pgSchema } from 'drizzle-orm/pg-core'

/** The Postgres schema that holds the engine's own tables; the collections are in `public`. */
export const engineSchema = pgSchema('deputy')
