import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let app: TestApp
const sent: { readonly to: unknown; readonly text: string | undefined }[] = []
beforeAll(async () => {
  app = await createTestApp()
  await app.fund('owner', 100_000_000)
  app.providers.answer('resend/email', ({ to, text }) => {
    sent.push({ to, text })
    return { id: randomUUID() }
  })
})
afterAll(() => app[Symbol.asyncDispose]())

let advanced = 0
const now = () => Date.now() + advanced
function advance(ms: number): void {
  app.clock.advance(ms)
  advanced += ms
}

/** An event in so many milliseconds, with a guest who has an address. */
async function newEvent(inMs: number, title: string) {
  const ada = await app.as('ada')
  const guest = randomUUID()
  const created = await ada.actions.createEvent({ title, startsAt: new Date(now() + inMs), capacity: 10 })
  if (!created.success) throw new Error(created.error)
  const eventId = created.data.recordId
  await ada.actions.inviteAttendee({ eventId, attendeeId: guest })
  const claims = { email: `${guest}@example.com`, email_verified: true }
  await (await app.as(guest, claims)).actions.registerProfile({ name: 'Guest' })
  return { ada, eventId, address: claims.email }
}
const mailsTo = (address: string) => sent.filter(({ to }) => to === address).length
const waiting = async (eventId: string) => {
  const jobs = await app.jobs()
  return jobs.filter(({ state, input }) => {
    return state === 'waiting' && JSON.stringify(input) === JSON.stringify({ eventId })
  })
}

it('attendees are reminded a day before the event, once', async () => {
  const { eventId, address } = await newEvent(3 * DAY_MS, 'Launch')
  expect(await waiting(eventId)).toMatchObject([{ action: 'remindAttendees', as: 'caller', caller: 'ada' }])
  advance(2 * DAY_MS - HOUR_MS)
  await app.runDue()
  expect(mailsTo(address)).toBe(0)
  advance(2 * HOUR_MS)
  await app.runDue()
  expect(mailsTo(address)).toBe(1)
  advance(3 * DAY_MS)
  await app.runDue()
  expect(mailsTo(address)).toBe(1)
})

it('the reminder moves with its event, and there is one', async () => {
  const { ada, eventId, address } = await newEvent(3 * DAY_MS, 'Moved')
  const [first] = await waiting(eventId)
  const startsAt = new Date(now() + 10 * DAY_MS)
  expect(await ada.actions.rescheduleEvent({ eventId, startsAt })).toMatchObject({ data: { startsAt } })
  expect(await waiting(eventId)).toMatchObject([
    { id: first?.id, dueAt: new Date(startsAt.getTime() - DAY_MS) },
  ])
  advance(3 * DAY_MS)
  await app.runDue()
  expect(mailsTo(address)).toBe(0)
  advance(7 * DAY_MS)
  await app.runDue()
  expect(mailsTo(address)).toBe(1)
  // It was sent: what is moved again is reminded of again.
  await ada.actions.rescheduleEvent({ eventId, startsAt: new Date(now() + 5 * DAY_MS) })
  expect(await waiting(eventId)).toHaveLength(1)
  advance(5 * DAY_MS)
  await app.runDue()
  expect(mailsTo(address)).toBe(2)
})

it('an event that begins within a day has no reminder', async () => {
  const { ada, eventId } = await newEvent(3 * DAY_MS, 'Soon')
  await ada.actions.rescheduleEvent({ eventId, startsAt: new Date(now() + 2 * HOUR_MS) })
  expect(await waiting(eventId)).toEqual([])
  const { eventId: soon } = await newEvent(HOUR_MS, 'At once')
  expect(await waiting(soon)).toEqual([])
})

it('a cancelled event takes its reminder with it, whether it was sent or not', async () => {
  const { ada, eventId, address } = await newEvent(3 * DAY_MS, 'Cancelled')
  expect(await ada.actions.cancelEvent({ eventId })).toMatchObject({ success: true })
  expect(await waiting(eventId)).toEqual([])
  advance(3 * DAY_MS)
  await app.runDue()
  expect(mailsTo(address)).toBe(0)
  const reminded = await newEvent(2 * DAY_MS, 'Late')
  advance(DAY_MS + HOUR_MS)
  await app.runDue()
  expect(await reminded.ada.actions.cancelEvent({ eventId: reminded.eventId })).toMatchObject({
    success: true,
  })
})

it('only who may change the event moves it', async () => {
  const { eventId } = await newEvent(3 * DAY_MS, 'Hers')
  const [before] = await waiting(eventId)
  const eve = await app.as('eve')
  const startsAt = new Date(now() + 20 * DAY_MS)
  expect(await eve.actions.rescheduleEvent({ eventId, startsAt })).toMatchObject({ code: 'NOT_FOUND' })
  expect(await waiting(eventId)).toEqual([before])
})
