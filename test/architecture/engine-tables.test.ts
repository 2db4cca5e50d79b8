import { readFile } from 'node:fs/promises'
import { getTableName, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { expect, it } from 'vitest'
import * as system from '../../drizzle/engine/system.ts'

it('docs/database.md names the tables of the engine', async () => {
  const text = await readFile(new URL('../../docs/database.md', import.meta.url), 'utf8')
  const [, list = ''] =
    /\*\*The engine's own tables\*\* are in the schema `deputy`: (.*?)\. SQL/.exec(text) ?? []
  const named = [...list.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name)
  const made = Object.values(system).flatMap((table) => (is(table, PgTable) ? [getTableName(table)] : []))
  // What was applied is noted beside them, before any of them is there.
  expect(named.toSorted()).toEqual([...made, 'migrations'].toSorted())
})
