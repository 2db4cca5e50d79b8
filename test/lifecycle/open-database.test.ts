import { expect, it } from 'vitest'
import { DefinitionError } from '../../server/core/errors.ts'
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { openTestDatabase } from '../support/database.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

it('a collection whose migration was not generated keeps the server from starting, by name', async () => {
  await using opened = await openTestDatabase()
  const options = { databaseUrl: opened.url, directory: undefined, migrations: MIGRATIONS }
  const refused = openDatabase({ ...options, tables: [...TABLES, 'rooms', 'Odd "name'] })
  await expect(refused).rejects.toBeInstanceOf(DefinitionError)
  await expect(refused).rejects.toThrow('without a table: rooms, Odd "name. Run deputy generate')
  const database = await openDatabase({ ...options, tables: TABLES })
  await database.close()
})
