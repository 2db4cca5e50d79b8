import * as deputy from 'deputyjs'
import type * as collections from '../drizzle/collections.ts'
import type { integrations } from '../integrations.ts'
import type { env } from './env.ts'

interface App {
  collections: typeof collections
  integrations: typeof integrations
  env: typeof env
}

export const { action } = deputy.createBuilders<App>()
