import * as collections from '../../drizzle/collections.ts'
import { createCatalog } from '../../server/tools/catalog.ts'

export const TABLES = [...createCatalog(collections).keys()]
