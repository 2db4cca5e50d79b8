import { fileURLToPath } from 'node:url'
import { createCatalog } from '../../server/tools/catalog.ts'
import * as collections from '../fixture/collections.ts'

export const TABLES = [...createCatalog(collections).keys()]
/** Of those tables. Not asked of the fixture itself, whose files would bring the whole engine along. */
export const MIGRATIONS = fileURLToPath(new URL('../fixture/migrations', import.meta.url))
