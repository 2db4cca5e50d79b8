import { expect, it } from 'vitest'
import { createTestApp } from './test-app.ts'

const startsAt = new Date('2030-01-01T18:00:00Z')

it('the owner recomputes the totals, again and again at the same id', async () => {
  await using app = await createTestApp()
  const [ada, owner] = [await app.as('ada'), await app.as('owner')]
  expect(await owner.actions.recomputeAnalytics({})).toEqual({
    success: true,
    data: { recordId: 'summary', events: 0, attendees: 0 },
  })
  const created = await ada.actions.createEvent({ title: 'Launch', startsAt, capacity: 5 })
  const eventId = created.success ? created.data.recordId : ''
  await ada.actions.inviteAttendee({ eventId, attendeeId: 'bob' })
  expect(await owner.actions.recomputeAnalytics({})).toEqual({
    success: true,
    data: { recordId: 'summary', events: 1, attendees: 1 },
  })
})

it('nobody else does, whatever their token claims', async () => {
  await using app = await createTestApp()
  for (const claims of [{}, { role: 'admin' }, { isOwner: true, owner: 'ada' }]) {
    const ada = await app.as('ada', claims)
    await expect(ada.actions.recomputeAnalytics({})).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }
  await expect(app.createCaller().actions.recomputeAnalytics({})).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
  })
})

it('without OWNER_USER_ID it is nobody’s, the user "undefined" included', async () => {
  await using app = await createTestApp({ ownerUserId: undefined, ownerJwt: undefined })
  for (const userId of ['owner', 'undefined', 'null']) {
    const caller = await app.as(userId)
    await expect(caller.actions.recomputeAnalytics({})).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }
})
