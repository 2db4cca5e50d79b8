import type { PostgresOptions } from '../../server/db/postgres.ts'
import type { IntegrationDeclarations } from '../../server/integrations/declarations.ts'
import type { Actions } from '../../server/routers/registry.ts'
import { type AssembleOptions, assembleTestApp } from '../../server/testing/assemble.ts'
import { fixture } from '../fixture/app.ts'
import { holdingContract } from './contract-check.ts'
import { openTestDatabase, type TestDatabase } from './database.ts'

type Defaults = typeof import('../fixture/actions/index.ts')
type DefaultModule = typeof fixture.collections

export interface TestAppOptions<TActions extends object, TModule extends object>
  extends Partial<Omit<AssembleOptions<TActions, TModule>, 'declarations'>> {
  /** @default the fixture's */
  readonly integrations?: IntegrationDeclarations
  /** @default one of its own, on a copy of what was migrated for the run */
  readonly opened?: TestDatabase
  /** Of the database's pool, where there is one. */
  readonly pool?: Omit<PostgresOptions, 'url'>
}

/** The fixture, or an app of a test's own. Its database is closed with it. */
export async function createTestApp<
  TActions extends object = Defaults,
  TModule extends object = DefaultModule,
>(options: TestAppOptions<TActions, TModule> = {}) {
  const { integrations, opened, pool, ...rest } = options
  return assembleTestApp<TActions, TModule>(opened ?? (await openTestDatabase(pool)), {
    // A test that names no actions or collections of its own has the fixture's.
    actions: fixture.actions as TActions & Actions,
    collections: fixture.collections as unknown as TModule,
    routes: fixture.routes,
    aroundAnswer: holdingContract,
    ...rest,
    declarations: integrations ?? fixture.integrations,
    appEnv: { ...fixture.env.parse({}), ...options.appEnv },
  })
}

/** The test app of the fixture's own actions. */
export type TestApp = Awaited<ReturnType<typeof createTestApp<Defaults, DefaultModule>>>
