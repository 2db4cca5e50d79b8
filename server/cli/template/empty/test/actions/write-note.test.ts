import { createTestApp } from 'deputyjs/testing'
import { expect, it } from 'vitest'
import { app } from '../../server/app.ts'

it('keeps a note for its writer', async () => {
  await using tested = await createTestApp(app, { databaseUrl: process.env.TEST_DATABASE_URL })
  const ada = await tested.as('ada')
  await ada.actions.writeNote({ text: 'Hello' })
  expect(await ada.records.notes.list()).toMatchObject({ data: { records: [{ data: { text: 'Hello' } }] } })
  const eve = await tested.as('eve')
  expect(await eve.records.notes.list()).toMatchObject({ data: { records: [] } })
})
