import { defineApp, type RouterOf } from 'deputyjs'
import * as collections from '../drizzle/collections.ts'
import { integrations } from '../integrations.ts'
import { env } from './env.ts'
import * as actions from './routers/actions/index.ts'
import { routes } from './routes.ts'

const migrations = new URL('../drizzle/migrations', import.meta.url)

export const app = defineApp({ collections, migrations, actions, integrations, env, routes })

export type AppRouter = RouterOf<typeof app>
