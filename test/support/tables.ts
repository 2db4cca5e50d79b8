import { fileURLToPath } from 'node:url'
import { createCatalog } from '../../server/tools/catalog.ts'
import { fixture } from '../fixture/app.ts'
import * as collections from '../fixture/collections.ts'

export const TABLES = [...createCatalog(collections).keys()]
/** Of those tables. */
export const MIGRATIONS = fileURLToPath(fixture.migrations)
