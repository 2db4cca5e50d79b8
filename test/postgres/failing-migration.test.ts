import { expect, it } from 'vitest'
import { openEmptyDatabase } from '../db/empty-database.ts'
import { runServer } from '../lifecycle/process.ts'
import { execute } from '../support/execute.ts'
import { temporaryDirectory } from '../support/guarded.ts'

it('a server whose migration fails says so in plain words, and exits with 1', async () => {
  await using empty = await openEmptyDatabase()
  await using directory = await temporaryDirectory('migration')
  await execute(empty.database, empty.url, 'create table analytics (record_id text)')
  const server = await runServer({ DATABASE_URL: empty.url ?? '', DATA_DIR: directory.path })
  expect(await server.ended).toEqual({ code: 1, signal: null })
  expect(server.output.stderr).toMatch(
    /^Deputy could not start\. Migration 0000_init\.sql failed in line \d+, and nothing of it was kept: relation "analytics" already exists \(SQLSTATE 42P07\)\n {2}Statement: CREATE TABLE "analytics".*\n {2}What to do: it exists already/,
  )
  expect(server.output.stderr).not.toMatch(/^ +at /m)
})
