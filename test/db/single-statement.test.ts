import { expect, test } from 'vitest'
import { SqlError } from '../../server/db/database.ts'
import { openTestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'

const put = (name: string, value: string) => ({
  sql: 'insert into deputy.system_secrets (name, value) values ($1, $2) returning name',
  params: [name, value],
})
const all = { sql: 'select name, value from deputy.system_secrets order by name', params: [] }

test('a writing statement commits by itself, and one that fails leaves nothing and the connection usable', async () => {
  await using opened = await openTestDatabase({ max: 1 })
  const { database } = opened
  expect((await database.write(put('a', '1'))).rows).toEqual([['a']])
  const refused = database.write(put('a', '2'))
  await expect(refused).rejects.toBeInstanceOf(SqlError)
  await expect(refused).rejects.toMatchObject({ sqlstate: '23505' })
  await database.write(put('b', '3'))
  expect((await database.query(all)).rows).toEqual([
    ['a', '1'],
    ['b', '3'],
  ])
  // Only BEGIN READ WRITE writes.
  await expect(database.query(put('c', '4'))).rejects.toMatchObject({ sqlstate: '25006' })
})

test('the audit log refuses to be changed', async () => {
  await using opened = await openTestDatabase()
  const { database, url } = opened
  const row = `insert into deputy.audit_log (id, at, request_id, transport, action, outcome, attempts, duration_ms, writes, write_count, payers)
    values ('1', now(), 'r', 'rest', 'a', 'OK', 1, 1, '[]', 0, '{}')`
  await execute(database, url, row)
  for (const change of [
    'update deputy.audit_log set id = id',
    'delete from deputy.audit_log',
    'truncate deputy.audit_log',
  ]) {
    await expect(execute(database, url, change)).rejects.toThrow('append-only')
  }
  expect((await database.query({ sql: 'select id from deputy.audit_log', params: [] })).rows).toEqual([['1']])
})
