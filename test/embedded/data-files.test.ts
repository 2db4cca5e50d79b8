import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DataFiles, packData, readDataFiles } from '../../server/db/data-files.ts'
import { openPglite, type PgliteDatabase } from '../../server/db/pglite.ts'

let source: PgliteDatabase
let files: DataFiles
beforeAll(async () => {
  source = await openPglite()
  await source.engine.exec('create table held (id int primary key); insert into held values (7)')
  files = readDataFiles(await packData(source.engine))
})
afterAll(() => source.close())

const ids = async ({ engine }: PgliteDatabase) =>
  (await engine.query<{ id: number }>('select id from held order by id')).rows.map(({ id }) => id)

it('start any number of databases, which have nothing in common', async () => {
  const first = await openPglite({ files })
  // More than the database keeps in memory: its files are written.
  await first.engine.exec(`insert into held select generate_series(1000, 20000);
    create table large as select repeat(md5(n::text), 60) as text from generate_series(1, 20000) n; checkpoint`)
  const second = await openPglite({ files })
  expect(await ids(second)).toEqual([7])
  await second.engine.exec('insert into held values (8)')
  expect(await ids(second)).toEqual([7, 8])
  expect((await ids(first)).length).toBe(19_002)
  await Promise.all([first.close(), second.close()])
})

it('have nothing to recover, and no more of the log than that takes', async () => {
  const logs = files.filter(({ path }) => /pg_wal\/[0-9A-F]{24}$/.test(path))
  expect(logs.length).toBe(1)
  const copy = await openPglite({ files })
  const { rows } = await copy.engine.query(
    `select redo_lsn = checkpoint_lsn or checkpoint_lsn - redo_lsn < 1000 as whole from pg_control_checkpoint()`,
  )
  expect(rows).toEqual([{ whole: true }])
  expect(await ids(copy)).toEqual([7])
  await copy.close()
})

it('are of a database that goes on', async () => {
  // Several files of the log.
  await source.engine.exec(
    'create table more as select repeat(md5(n::text), 60) as text from generate_series(1, 5000) n; checkpoint',
  )
  expect(await ids(source)).toEqual([7])
})

it('leave out the databases that no one connects to', () => {
  expect(files.filter(({ path }) => /base\/5\//.test(path)).length).toBeGreaterThan(200)
  expect(files.filter(({ path }) => /base\/[14]\//.test(path))).toEqual([])
})
