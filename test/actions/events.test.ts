import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
})
afterAll(() => app[Symbol.asyncDispose]())

const startsAt = new Date('2030-01-01T18:00:00.123Z')

async function newEvent(creator: string, capacity = 10) {
  const caller = await app.as(creator)
  const created = await caller.actions.createEvent({ title: 'Launch', startsAt, capacity })
  if (!created.success) throw new Error(created.error)
  return { caller, eventId: created.data.recordId }
}

describe('createEvent', () => {
  it('creates an event that belongs to the caller, and one per call', async () => {
    const first = await newEvent('create-ada')
    const second = await newEvent('create-ada')
    expect(second.eventId).not.toBe(first.eventId)
    expect(
      await first.caller.actions.inviteAttendee({ eventId: first.eventId, attendeeId: 'bob' }),
    ).toMatchObject({ success: true })
    const eve = await app.as('create-eve')
    expect(await eve.actions.listAttendees({ eventId: first.eventId })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it.each([
    ['an empty title', { title: '', startsAt, capacity: 1 }],
    ['a long title', { title: 'x'.repeat(201), startsAt, capacity: 1 }],
    ['NUL in the title', { title: 'a\0', startsAt, capacity: 1 }],
    ['no room', { title: 't', startsAt, capacity: 0 }],
    ['too much room', { title: 't', startsAt, capacity: 100_001 }],
    ['half a place', { title: 't', startsAt, capacity: 1.5 }],
    ['an invalid date', { title: 't', startsAt: new Date('no'), capacity: 1 }],
    ['a key too many', { title: 't', startsAt, capacity: 1, createdBy: 'eve' }],
  ])('refuses %s', async (_what, input) => {
    const ada = await app.as('create-ada')
    await expect(ada.actions.createEvent(input)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
})

describe('listAttendees', () => {
  it('gives every attendee exactly once, a page at a time', async () => {
    const { caller, eventId } = await newEvent('list-ada')
    const invited = ['a', 'b', 'c', 'd', 'e']
    for (const attendeeId of invited) await caller.actions.inviteAttendee({ eventId, attendeeId })
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof caller.actions.listAttendees>> =
        await caller.actions.listAttendees({
          eventId,
          cursor,
          limit: 2,
        })
      if (!page.success) throw new Error(page.error)
      seen.push(...page.data.records.map(({ data }) => data.attendeeId))
      cursor = page.data.nextCursor
    } while (cursor !== null)
    expect(seen.sort()).toEqual(invited)
  })

  it('is for the creator and the owner; a missing event is NOT_FOUND', async () => {
    const { eventId } = await newEvent('list-ada')
    const [eve, owner] = [await app.as('list-eve'), await app.as('owner')]
    expect(await eve.actions.listAttendees({ eventId })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await owner.actions.listAttendees({ eventId })).toMatchObject({
      success: true,
      data: { records: [], nextCursor: null },
    })
    expect(await owner.actions.listAttendees({ eventId: 'none' })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it("refuses a cursor of another event, whoever's it is", async () => {
    const [first, second] = [await newEvent('list-ada'), await newEvent('list-bob')]
    for (const attendeeId of ['a', 'b'])
      await first.caller.actions.inviteAttendee({ eventId: first.eventId, attendeeId })
    const page = await first.caller.actions.listAttendees({ eventId: first.eventId, limit: 1 })
    const cursor = page.success ? page.data.nextCursor : null
    expect(cursor).toEqual(expect.any(String))
    expect(await second.caller.actions.listAttendees({ eventId: second.eventId, cursor })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
    })
  })
})

describe('cancelEvent', () => {
  it('removes an event with its 2500 attendees and leaves those of others', async () => {
    const { caller, eventId } = await newEvent('cancel-ada', 5_000)
    const other = await newEvent('cancel-ada')
    await other.caller.actions.inviteAttendee({ eventId: other.eventId, attendeeId: 'bob' })
    await app.sql(
      `insert into attendees (record_id, created_at, updated_at, event_id, attendee_id)
        select $1 || '-' || n, now(), now(), $1, 'guest-' || n from generate_series(1, 2500) n`,
      [eventId],
    )

    expect(await caller.actions.cancelEvent({ eventId })).toEqual({
      success: true,
      data: { attendees: 2_500 },
    })
    expect(await caller.actions.cancelEvent({ eventId })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await other.caller.actions.listAttendees({ eventId: other.eventId })).toMatchObject({
      data: { records: [{ data: { attendeeId: 'bob' } }] },
    })
  })

  it('refuses a stranger and removes nothing, and serves the owner', async () => {
    const { caller, eventId } = await newEvent('cancel-ada')
    await caller.actions.inviteAttendee({ eventId, attendeeId: 'bob' })
    const [eve, owner] = [await app.as('cancel-eve'), await app.as('owner')]
    expect(await eve.actions.cancelEvent({ eventId })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await owner.actions.cancelEvent({ eventId })).toEqual({ success: true, data: { attendees: 1 } })
  })
})
