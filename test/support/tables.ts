import { fileURLToPath } from 'node:url'
import * as collections from '../../drizzle/collections.ts'
import { createCatalog } from '../../server/tools/catalog.ts'

export const TABLES = [...createCatalog(collections).keys()]
/** Of those tables. */
export const MIGRATIONS = fileURLToPath(new URL('../../drizzle/migrations', import.meta.url))
