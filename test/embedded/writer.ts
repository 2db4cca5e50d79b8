// Run by the tests as a process of its own: writes on an embedded database until it is killed.
import { openDatabase } from '../../server/lifecycle/open-database.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

const [, , directory = '', round = ''] = process.argv
try {
  const database = await openDatabase({
    databaseUrl: undefined,
    directory,
    migrations: MIGRATIONS,
    tables: TABLES,
  })
  for (let n = 0; ; n += 1) {
    const id = `${round}-${n}`
    const { session, release } = await database.acquire()
    await session.begin({ readOnly: false, statementTimeoutMs: 10_000 })
    for (const half of ['left', 'right']) {
      await session.query({
        sql: 'insert into users (record_id, name, role, created_at, updated_at) values ($1, $2, $3, now(), now())',
        params: [`${id}-${half}`, id, 'member'],
      })
    }
    await session.control('commit')
    release()
    process.stdout.write(`wrote ${id}\n`)
  }
} catch (error) {
  process.stdout.write(`failed ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
