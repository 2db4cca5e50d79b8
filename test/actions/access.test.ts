import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
})
afterAll(() => app[Symbol.asyncDispose]())

const startsAt = new Date('2030-01-01T18:00:00.123Z')
const event = { title: 'Launch', startsAt, capacity: 10 } as const

async function newEvent(creator: string, visibility: 'private' | 'public' = 'private') {
  const caller = await app.as(creator)
  const created = await caller.records.events.create({ data: { ...event, visibility } })
  if (!created.success) throw new Error(created.error)
  return { caller, recordId: created.data.recordId }
}

async function admin(userId: string) {
  const [owner, caller] = [await app.as('owner'), await app.as(userId, { name: userId })]
  expect(await caller.users.register()).toMatchObject({ success: true })
  expect(await owner.users.setRole({ userId, role: 'admin' })).toMatchObject({ success: true })
  return caller
}

describe('events', () => {
  it('are created, read, updated and removed by their creator', async () => {
    const { caller, recordId } = await newEvent('ada')
    expect(await caller.records.events.get({ recordId })).toMatchObject({
      data: { record: { recordId, createdBy: 'ada', version: 1, data: { ...event, attendeeCount: 0 } } },
    })
    expect(await caller.records.events.update({ recordId, patch: { title: 'Later' } })).toEqual({
      success: true,
      data: { recordId },
    })
    expect(await caller.records.events.list({ where: { recordId } })).toMatchObject({
      data: { count: 1, nextCursor: null, records: [{ version: 2, data: { title: 'Later' } }] },
    })
    expect(await caller.records.events.remove({ recordId })).toEqual({ success: true, data: { recordId } })
    expect(await caller.records.events.remove({ recordId })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('are as good as missing to others while they are private', async () => {
    const { recordId } = await newEvent('ada')
    const eve = await app.as('eve')
    const missing = async (id: string) => [
      await eve.records.events.get({ recordId: id }),
      await eve.records.events.update({ recordId: id, patch: { title: 'Mine' } }),
      await eve.records.events.remove({ recordId: id }),
    ]
    const blank = (results: unknown[], id: string) => JSON.stringify(results).replaceAll(id, 'ID')
    expect(blank(await missing(recordId), recordId)).toBe(blank(await missing('nothing'), 'nothing'))
    expect(await eve.records.events.count({ where: { recordId } })).toEqual({
      success: true,
      data: { count: 0 },
    })
  })

  it('are read by everybody once they are public, and written by nobody else', async () => {
    const { recordId } = await newEvent('ada', 'public')
    const [eve, anonymous] = [await app.as('eve'), app.createCaller()]
    for (const caller of [eve, anonymous]) {
      expect(await caller.records.events.get({ recordId })).toMatchObject({ success: true })
      expect(await caller.records.events.list({ where: { recordId } })).toMatchObject({ data: { count: 1 } })
      expect(await caller.records.events.update({ recordId, patch: { title: 'x' } })).toMatchObject({
        code: 'FORBIDDEN',
      })
      expect(await caller.records.events.remove({ recordId })).toMatchObject({ code: 'FORBIDDEN' })
    }
    expect(await anonymous.records.events.create({ data: event })).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('are all open to admins and the owner', async () => {
    const { recordId } = await newEvent('ada')
    for (const caller of [await admin('mia'), await app.as('owner')]) {
      expect(await caller.records.events.get({ recordId })).toMatchObject({ success: true })
      expect(await caller.records.events.update({ recordId, patch: { title: 'x' } })).toMatchObject({
        success: true,
      })
    }
  })

  it('have a count that nobody writes by themselves', async () => {
    const { caller, recordId } = await newEvent('ada')
    const owner = await app.as('owner')
    for (const each of [caller, owner]) {
      expect(
        await each.records.events.update({ recordId, patch: { attendeeCount: 5 } as never }),
      ).toMatchObject({
        code: 'FORBIDDEN',
        issues: [{ path: ['patch', 'attendeeCount'] }],
      })
      expect(
        await each.records.events.create({ data: { ...event, attendeeCount: 5 } as never }),
      ).toMatchObject({
        code: 'FORBIDDEN',
      })
    }
  })

  it('can be upserted by their creator, and not taken by another', async () => {
    const [ada, eve] = [await app.as('ada'), await app.as('eve')]
    const recordId = 'known-id'
    expect(await ada.records.events.create({ recordId, data: event })).toMatchObject({ success: true })
    expect(await ada.records.events.create({ recordId, data: { title: 'Again' } })).toMatchObject({
      success: true,
    })
    expect(await eve.records.events.create({ recordId, data: event })).toMatchObject({ code: 'CONFLICT' })
    expect(await eve.records.events.create({ recordId, data: { title: 'Mine' } })).toMatchObject({
      code: 'BAD_REQUEST',
    })
    expect(await ada.records.events.get({ recordId })).toMatchObject({
      data: { record: { createdBy: 'ada', version: 2, data: { title: 'Again' } } },
    })
  })
})

describe('attendees', () => {
  it('are created by the action alone, and seen by the creator of the event and whoever is invited', async () => {
    const { caller: ada, recordId: eventId } = await newEvent('ada')
    const [bob, eve] = [await app.as('bob'), await app.as('eve')]
    expect(
      await ada.records.attendees.create({ data: { eventId, attendeeId: 'bob' } } as never),
    ).toMatchObject({
      code: 'FORBIDDEN',
    })
    const invited = await ada.actions.inviteAttendee({ eventId, attendeeId: 'bob' })
    if (!invited.success) throw new Error(invited.error)
    const { recordId } = invited.data
    for (const caller of [ada, bob]) {
      expect(await caller.records.attendees.list({ where: { eventId } })).toMatchObject({
        data: { records: [{ recordId }] },
      })
    }
    expect(await eve.records.attendees.list({ where: { eventId } })).toMatchObject({ data: { count: 0 } })
    expect(await bob.records.attendees.update({ recordId, patch: { status: 'accepted' } })).toMatchObject({
      success: true,
    })
    expect(await ada.records.attendees.update({ recordId, patch: { status: 'declined' } })).toMatchObject({
      code: 'FORBIDDEN',
    })
    expect(
      await bob.records.attendees.update({ recordId, patch: { attendeeId: 'eve' } as never }),
    ).toMatchObject({
      code: 'FORBIDDEN',
    })
  })
})

describe('users', () => {
  it('see of each other the public projection, and of themselves everything', async () => {
    const claims = { name: 'Ada', email: 'ada@x.test', email_verified: true, picture: 'https://x.test/a.png' }
    const ada = await app.as('users-ada', claims)
    expect(await ada.users.me()).toEqual({
      success: true,
      data: { userId: 'users-ada', role: 'member', isOwner: false, user: null },
    })
    expect(await ada.users.register()).toMatchObject({ success: true })
    expect(await ada.users.me()).toMatchObject({
      data: { user: { data: { name: 'Ada', email: 'ada@x.test', role: 'member' } } },
    })
    const eve = await app.as('eve')
    const where = { recordId: 'users-ada' }
    expect(await eve.users.list({ where })).toMatchObject({
      data: { records: [{ data: { name: 'Ada', imageUrl: 'https://x.test/a.png' } }] },
    })
    const seen = await eve.records.users.get(where)
    expect(seen.success && Object.keys(seen.data.record.data)).toEqual(['name', 'imageUrl'])
    expect(await eve.users.list({ where: { email: 'ada@x.test' } })).toMatchObject({ code: 'BAD_REQUEST' })
    expect(await (await admin('mia')).users.list({ where: { email: 'ada@x.test' } })).toMatchObject({
      data: { records: [{ data: { email: 'ada@x.test', role: 'member' } }] },
    })
    expect(await app.createCaller().records.users.list()).toMatchObject({ code: 'FORBIDDEN' })
    await expect(app.createCaller().users.list()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })
})

describe('analytics', () => {
  it('are read by admins and written by nobody', async () => {
    const [owner, eve] = [await app.as('owner'), await app.as('eve')]
    expect(await owner.actions.recomputeAnalytics({})).toMatchObject({ success: true })
    expect(await owner.records.analytics.get({ recordId: 'summary' })).toMatchObject({ success: true })
    expect(await eve.records.analytics.get({ recordId: 'summary' })).toMatchObject({ code: 'FORBIDDEN' })
    expect(await owner.records.analytics.remove({ recordId: 'summary' })).toMatchObject({ code: 'FORBIDDEN' })
  })
})
