import { createTestApp as createAppForTest, type TestAppOptions } from 'deputyjs/testing'
import { app } from '../../server/app.ts'

/** The app on a fresh database, on PostgreSQL where `TEST_DATABASE_URL` names a server, else embedded. */
export function createTestApp(options: TestAppOptions = {}) {
  return createAppForTest(app, { databaseUrl: process.env.TEST_DATABASE_URL, ...options })
}

export type TestApp = Awaited<ReturnType<typeof createTestApp>>
