import { defineConfig } from 'vitest/config'

const shared = {
  environment: 'node' as const,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  pool: 'forks' as const,
}
/** Behaviour that no database can change is tested once. */
const WITHOUT_DATABASE = [
  'test/auth/**',
  'test/wire/**',
  'test/db/directory-lock.test.ts',
  'test/architecture/**',
  'test/package/**',
  'test/env/**',
]

const pglite = {
  test: {
    ...shared,
    name: 'pglite',
    include: ['test/**/*.test.ts'],
    exclude: ['test/postgres/**'],
    globalSetup: ['test/support/setup-pglite.ts'],
  },
}

const postgres = {
  test: {
    ...shared,
    name: 'postgres',
    include: ['test/**/*.test.ts'],
    exclude: [...WITHOUT_DATABASE, 'test/embedded/**'],
    globalSetup: ['test/support/setup-postgres.ts'],
  },
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: process.env.TEST_DATABASE_URL ? [pglite, postgres] : [pglite],
  },
})
