import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import { users } from '../fixture/collections.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const ROUNDS = 60
const deeds = collection(
  'deeds',
  { holder: text().notNull(), note: text() },
  {
    ownerField: 'holder',
    access: { member: { read: true, create: true, update: 'own' }, admin: { read: true, update: true } },
  },
)
const open = () => createTestApp({ collections: { users, deeds }, pool: { max: 20 } })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
  await execute(
    app.database,
    app.databaseUrl,
    `create table deeds (record_id text primary key, created_by text, created_at timestamptz(3) not null,
       updated_at timestamptz(3) not null, version integer not null default 1, holder text not null, note text)`,
  )
})
afterAll(() => app[Symbol.asyncDispose]())

it('nobody writes what has been given to somebody else, however close the two come', async () => {
  const [olga, owner] = [await app.as('olga'), await app.as('owner')]
  const outcomes = { written: 0, refused: 0 }
  await Promise.all(
    Array.from({ length: ROUNDS }, async (_nothing, at) => {
      const recordId = `deed-${at}`
      await olga.records.deeds.create({ recordId, data: { holder: 'olga' } })
      const [written, given] = await Promise.all([
        olga.records.deeds.update({ recordId, patch: { note: 'olga was here' } }),
        owner.records.deeds.update({ recordId, patch: { holder: 'stan', note: 'given' } }),
      ])
      expect(given).toMatchObject({ success: true })
      outcomes[written.success ? 'written' : 'refused'] += 1
      if (!written.success) expect(written.code).toBe('FORBIDDEN')
      // Had she written after it was given, her note would be the last.
      expect(await olga.records.deeds.get({ recordId })).toMatchObject({
        data: { record: { version: written.success ? 3 : 2, data: { holder: 'stan', note: 'given' } } },
      })
    }),
  )
  expect(outcomes.written + outcomes.refused).toBe(ROUNDS)
})

it('an id that two put at once is created by one of them', async () => {
  const [olga, stan] = [await app.as('olga'), await app.as('stan')]
  await Promise.all(
    Array.from({ length: ROUNDS }, async (_nothing, at) => {
      const recordId = `put-${at}`
      const results = await Promise.all([
        olga.records.deeds.create({ recordId, data: { holder: 'olga' } }),
        stan.records.deeds.create({ recordId, data: { holder: 'stan' } }),
      ])
      expect(results.map(({ success }) => success).sort()).toEqual([false, true])
      expect(results.find(({ success }) => !success)).toMatchObject({ code: 'FORBIDDEN' })
    }),
  )
})
