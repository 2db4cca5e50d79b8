import { defineConfig } from 'vitest/config'

const shared = {
  environment: 'node' as const,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  pool: 'forks' as const,
  setupFiles: ['test/support/end-children.ts'],
}
/** Behaviour that no database can change. */
const WITHOUT_DATABASE = [
  'test/architecture/**/*.test.ts',
  'test/access/question.test.ts',
  'test/auth/**/*.test.ts',
  'test/bench/**/*.test.ts',
  'test/db/{directory-lock,lost-session,to-statement}.test.ts',
  'test/errors/classes.test.ts',
  'test/env/**/*.test.ts',
  'test/guard/**/*.test.ts',
  'test/integrations/{answers,catalogue,definition,direct,plan,shipped}.test.ts',
  'test/package/**/*.test.ts',
  'test/rest/**/*.test.ts',
  'test/soak/**/*.test.ts',
  'test/tools/{instant-text,kept-statements}.test.ts',
  'test/wire/**/*.test.ts',
]
const REAL_POSTGRES = ['test/postgres/**', 'test/faults/**']
const EMBEDDED = 'test/embedded/**'

const projects = [
  { test: { ...shared, name: 'static', include: WITHOUT_DATABASE } },
  {
    test: {
      ...shared,
      name: 'pglite',
      include: ['test/**/*.test.ts'],
      exclude: [...WITHOUT_DATABASE, ...REAL_POSTGRES],
      globalSetup: ['test/support/setup-pglite.ts'],
    },
  },
  {
    test: {
      ...shared,
      name: 'postgres',
      include: ['test/**/*.test.ts'],
      exclude: [...WITHOUT_DATABASE, EMBEDDED],
      globalSetup: ['test/support/setup-postgres.ts'],
    },
  },
]

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: process.env.TEST_DATABASE_URL ? projects : projects.slice(0, 2),
  },
})
