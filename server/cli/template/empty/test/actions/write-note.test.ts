import { expect, it } from 'vitest'
import { createTestApp } from './test-app.ts'

it('keeps a note for its writer', async () => {
  await using app = await createTestApp()
  const ada = await app.as('ada')
  await ada.actions.writeNote({ text: 'Hello' })
  expect(await ada.records.notes.list()).toMatchObject({ data: { records: [{ data: { text: 'Hello' } }] } })
  const eve = await app.as('eve')
  expect(await eve.records.notes.list()).toMatchObject({ data: { records: [] } })
})
