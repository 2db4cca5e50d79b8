import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import { users } from '../fixture/collections.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'
import { readStream } from './read-stream.ts'

// Rules with a name: a stream is run again for what it reads, and not for whatever is written.
const own = { access: { '*': { read: 'own', create: true, update: 'own', remove: 'own' } } } as const
const folders = collection('folders', { name: text().notNull() }, own)
const papers = collection(
  'papers',
  {
    name: text().notNull(),
    folderId: text().references(() => folders.recordId, { onDelete: 'cascade' }),
  },
  own,
)
const notes = collection(
  'notes',
  {
    name: text().notNull(),
    paperId: text().references(() => papers.recordId, { onDelete: 'cascade' }),
    folderId: text().references(() => folders.recordId, { onDelete: 'set null' }),
  },
  own,
)
const collections = { users, folders, papers, notes }

const SYSTEM = `record_id text primary key, created_by text, created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null, version integer not null default 1, name text not null`
const TABLES = [
  `create table folders (${SYSTEM})`,
  `create table papers (${SYSTEM}, folder_id text references folders on delete cascade)`,
  `create table notes (${SYSTEM}, paper_id text references papers on delete cascade,
    folder_id text references folders on delete set null)`,
].join(';')

describe('a live query of records that the database changes by itself', () => {
  const open = () =>
    createTestApp<Record<never, never>, typeof collections>({
      actions: {},
      collections,
      livePace: { roundEveryMs: 20, lookEveryMs: 600_000 },
    })
  let app: Awaited<ReturnType<typeof open>>
  let url: string
  beforeAll(async () => {
    app = await open()
    await execute(app.database, app.databaseUrl, TABLES)
    url = await app.listen()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  const show = async (userId: string, name: string) =>
    readStream(`${url}/api/records/${name}`, { token: await app.token(userId) })

  it('shows what is removed along with a parent, and with the parent of that', async () => {
    const ada = await app.as('ada-1')
    await ada.records.folders.create({ recordId: 'f1', data: { name: 'folder' } })
    await ada.records.papers.create({ recordId: 'p1', data: { name: 'paper', folderId: 'f1' } })
    await ada.records.notes.create({ recordId: 'n1', data: { name: 'note', paperId: 'p1' } })
    const [children, grandchildren] = [await show('ada-1', 'papers'), await show('ada-1', 'notes')]
    await children.until(({ last }) => last?.count === 1)
    await grandchildren.until(({ last }) => last?.count === 1)
    expect(await ada.records.folders.remove({ recordId: 'f1' })).toMatchObject({ success: true })
    await children.until(({ last }) => last?.count === 0)
    await grandchildren.until(({ last }) => last?.count === 0)
    children.close()
    grandchildren.close()
  })

  it('shows what is emptied along with it', async () => {
    const ada = await app.as('ada-2')
    await ada.records.folders.create({ recordId: 'f2', data: { name: 'folder' } })
    await ada.records.notes.create({ recordId: 'n2', data: { name: 'note', folderId: 'f2' } })
    const stream = await show('ada-2', 'notes')
    await stream.until(({ last }) => last?.records?.[0]?.data.folderId === 'f2')
    await ada.records.folders.remove({ recordId: 'f2' })
    await stream.until(({ last }) => last?.records?.[0]?.data.folderId === null)
    stream.close()
  })
})
