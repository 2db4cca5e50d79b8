import type { PostgresOptions } from '../../server/db/postgres.ts'
import type { IntegrationDeclarations } from '../../server/integrations/declare.ts'
import type { Actions } from '../../server/routers/registry.ts'
import { type AssembleOptions, assembleTestApp } from '../../server/testing/assemble.ts'
import { fixture } from '../fixture/app.ts'
import { openTestDatabase } from './database.ts'

type Defaults = typeof fixture.actions
type DefaultModule = typeof fixture.collections

export interface TestAppOptions<TActions extends Actions, TModule extends object>
  extends Partial<Omit<AssembleOptions<TActions, TModule>, 'declarations'>> {
  /** @default the fixture's */
  readonly integrations?: IntegrationDeclarations
  /** Of the database's pool, where there is one. */
  readonly pool?: Omit<PostgresOptions, 'url'>
}

/** The fixture, or an app of a test's own, on a copy of the database that was migrated for the run. */
export async function createTestApp<
  TActions extends Actions = Defaults,
  TModule extends object = DefaultModule,
>(options: TestAppOptions<TActions, TModule> = {}) {
  const { integrations, pool, ...rest } = options
  return assembleTestApp<TActions, TModule>(await openTestDatabase(pool), {
    // A test that names no actions or collections of its own has the fixture's.
    actions: fixture.actions as unknown as TActions,
    collections: fixture.collections as unknown as TModule,
    routes: fixture.routes,
    ...rest,
    declarations: integrations ?? fixture.integrations,
    appEnv: { ...fixture.env.parse({}), ...options.appEnv },
  })
}

/** The test app of the fixture's own actions. */
export type TestApp = Awaited<ReturnType<typeof createTestApp<Defaults, DefaultModule>>>
