import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
})
afterAll(() => app[Symbol.asyncDispose]())

/** Asks as the agent of a user, over MCP. */
async function ask(user: string, method: string, params: object = {}) {
  const response = await app.fetch(
    new Request('http://test/mcp', {
      method: 'POST',
      headers: { authorization: `Bearer ${await app.token(user)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    }),
  )
  const { result } = (await response.json()) as { result?: unknown }
  return result
}

const call = (user: string, name: string, input: object) =>
  ask(user, 'tools/call', { name, arguments: input })

test('an agent invites and cancels for its user, and cancels nothing before it has confirmed', async () => {
  const ada = await app.as('ada')
  const created = await ada.actions.createEvent({
    title: 'Launch',
    startsAt: new Date('2030-01-01T18:00:00Z'),
    capacity: 5,
  })
  const eventId = created.success ? created.data.recordId : ''
  expect(await ask('ada', 'tools/list')).toMatchObject({
    tools: [{ name: 'cancelEvent' }, { name: 'inviteAttendee' }],
  })
  expect(await call('ada', 'inviteAttendee', { eventId, attendeeId: 'bob' })).toMatchObject({
    structuredContent: { recordId: expect.any(String) },
  })
  expect(await call('eve', 'cancelEvent', { eventId })).toMatchObject({ isError: true })

  const shown = await call('ada', 'cancelEvent', { eventId })
  expect(shown).toMatchObject({ structuredContent: { wouldDo: { outcome: 'would commit' } } })
  expect(await ada.records.events.get({ recordId: eventId })).toMatchObject({ success: true })
  const { confirmation } = (shown as { structuredContent: { confirmation: string } }).structuredContent
  expect(await call('ada', 'cancelEvent', { eventId, confirmation })).toMatchObject({
    structuredContent: { attendees: 1 },
  })
  expect(await ada.records.events.get({ recordId: eventId })).toMatchObject({ code: 'NOT_FOUND' })
})
