import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
})
afterAll(() => app[Symbol.asyncDispose]())

async function newEvent(creator: string, capacity = 10) {
  const caller = await app.as(creator)
  const created = await caller.actions.createEvent({
    title: 'Launch',
    startsAt: new Date('2030-01-01T18:00:00Z'),
    capacity,
  })
  if (!created.success) throw new Error(created.error)
  return { caller, eventId: created.data.recordId }
}

describe('inviteAttendee', () => {
  it('creates the attendee and raises the count of the event', async () => {
    const { caller, eventId } = await newEvent('ada')
    const invited = await caller.actions.inviteAttendee({ eventId, attendeeId: 'bob' })
    expect(invited).toMatchObject({ success: true, data: { recordId: expect.any(String) } })
    const listed = await caller.actions.listAttendees({ eventId })
    expect(listed).toMatchObject({
      success: true,
      data: { records: [{ data: { eventId, attendeeId: 'bob', status: 'invited' } }], nextCursor: null },
    })
  })

  it('leaves the count as it was when the attendee is already invited', async () => {
    const { caller, eventId } = await newEvent('ada', 2)
    await caller.actions.inviteAttendee({ eventId, attendeeId: 'bob' })
    const again = await caller.actions.inviteAttendee({ eventId, attendeeId: 'bob' })
    expect(again).toMatchObject({ success: false, code: 'CONFLICT' })
    expect(await caller.actions.inviteAttendee({ eventId, attendeeId: 'cyd' })).toMatchObject({
      success: true,
    })
    expect(await caller.actions.inviteAttendee({ eventId, attendeeId: 'dee' })).toMatchObject({
      success: false,
      code: 'CONFLICT',
    })
  })

  it('refuses whoever did not create the event, but the owner', async () => {
    const { eventId } = await newEvent('ada')
    const eve = await app.as('eve')
    expect(await eve.actions.inviteAttendee({ eventId, attendeeId: 'eve' })).toMatchObject({
      success: false,
      code: 'NOT_FOUND',
    })
    const owner = await app.as('owner')
    expect(await owner.actions.inviteAttendee({ eventId, attendeeId: 'eve' })).toMatchObject({
      success: true,
    })
  })

  it('answers NOT_FOUND for an event that does not exist', async () => {
    const ada = await app.as('ada')
    expect(await ada.actions.inviteAttendee({ eventId: 'none', attendeeId: 'bob' })).toMatchObject({
      success: false,
      code: 'NOT_FOUND',
    })
  })
})
