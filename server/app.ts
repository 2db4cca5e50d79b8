// What the app is made of.
import { defineApp, type RouterOf } from 'deputyjs'
import * as collections from '../drizzle/collections.ts'
import { integrations } from '../integrations.ts'
import { env } from './env.ts'
import * as actions from './routers/actions/index.ts'
import { routes } from './routes.ts'
import { schedules } from './schedules.ts'

export const app = defineApp({
  collections,
  migrations: new URL('../drizzle/migrations', import.meta.url),
  actions,
  integrations,
  env,
  routes,
  schedules,
  // What `npm run build` makes of client/web; in development Vite serves it.
  web: { folder: new URL('../web', import.meta.url) },
})

/** What clients are typed by. */
export type AppRouter = RouterOf<typeof app>
