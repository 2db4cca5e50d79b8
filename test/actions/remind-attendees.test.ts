import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'
import { startUpstream, type Upstream } from './upstream.ts'

let resend: Upstream
let app: TestApp
beforeAll(async () => {
  resend = await startUpstream(() => ({ body: { id: randomUUID() } }))
  app = await createTestApp({ integrationEnv: { RESEND_BASE_URL: resend.url, RESEND_API_KEY: 're_test' } })
  await app.fund('owner', 100_000_000)
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await resend[Symbol.asyncDispose]()
})

/** An event with guests, of whom those with an email have a profile that says so. */
async function newEvent(guests: Readonly<Record<string, string | undefined>>, title = 'Launch') {
  const ada = await app.as('ada')
  const startsAt = new Date('2030-01-01T18:00:00Z')
  const created = await ada.actions.createEvent({ title, startsAt, capacity: 100 })
  const eventId = created.success ? created.data.recordId : ''
  for (const [guest, email] of Object.entries(guests)) {
    await ada.actions.inviteAttendee({ eventId, attendeeId: guest })
    const claims = email === undefined ? {} : { email, email_verified: true }
    await (await app.as(guest, claims)).actions.registerProfile({ name: guest })
  }
  return { ada, eventId }
}

async function queued() {
  const listed = await (await app.as('owner')).outbox.list({})
  return listed.success ? listed.data.messages.map(({ data }) => data as { to: string; subject: string }) : []
}

const drain = async () => {
  const dispatcher = app.startDispatcher()
  await vi.waitFor(async () => expect(await queued()).toEqual([]))
  await dispatcher.stop()
}

it('sends one mail to each attendee with an address, on the owner’s account, once for its key', async () => {
  const [bob, cyd, dan] = [randomUUID(), randomUUID(), randomUUID()]
  const { eventId } = await newEvent({ [bob]: 'bob@example.com', [cyd]: undefined, [dan]: 'dan@example.com' })
  const before = await app.balance('owner')
  const token = await app.token('ada')
  const once = app.createCaller({ token, idempotencyKey: randomUUID() })
  for (const _twice of [1, 2]) {
    expect(await once.actions.remindAttendees({ eventId })).toEqual({ success: true, data: { queued: 2 } })
  }
  expect((await queued()).map(({ to }) => to).sort()).toEqual(['bob@example.com', 'dan@example.com'])
  await drain()
  const mails = resend.requests.filter(({ path }) => path === '/emails')
  expect(mails.map(({ body }) => (body as { to: string }).to).sort()).toEqual([
    'bob@example.com',
    'dan@example.com',
  ])
  expect(new Set(mails.map(({ token }) => token))).toEqual(new Set(['re_test']))
  expect(new Set(mails.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2)
  expect(await app.balance('owner')).toMatchObject({
    available: before.available - 1_000_000,
    reserved: 0,
  })
})

it('leaves out who has declined, and keeps a title that has line breaks in one line', async () => {
  const [bob, eve] = [randomUUID(), randomUUID()]
  const guests = { [bob]: 'bob@example.com', [eve]: 'eve@example.com' }
  const { ada, eventId } = await newEvent(guests, 'Launch\r\nBcc: all@example.com')
  const invited = await (await app.as(eve)).records.attendees.list({ where: { eventId } })
  const recordId = invited.success ? (invited.data.records[0]?.recordId ?? '') : ''
  await (await app.as(eve)).records.attendees.update({ recordId, patch: { status: 'declined' } })
  expect(await ada.actions.remindAttendees({ eventId })).toMatchObject({ data: { queued: 1 } })
  expect(await queued()).toMatchObject([
    { to: 'bob@example.com', subject: 'Reminder: Launch Bcc: all@example.com' },
  ])
  await drain()
})

it('queues nothing for whoever may not change the event', async () => {
  const { eventId } = await newEvent({ [randomUUID()]: 'guest@example.com' })
  const mallory = await app.as('mallory')
  expect(await mallory.actions.remindAttendees({ eventId })).toMatchObject({ code: 'NOT_FOUND' })
  expect(await queued()).toEqual([])
})

it('queues nothing when the owner cannot pay for all', async () => {
  const guests = { [randomUUID()]: 'one@example.com', [randomUUID()]: 'two@example.com' }
  const { ada, eventId } = await newEvent(guests)
  const { available } = await app.balance('owner')
  const setTo = (amount: number) =>
    app.sql('update deputy.credit_accounts set available = $1::bigint where account = $2', [amount, 'owner'])
  await setTo(999_999)
  expect(await ada.actions.remindAttendees({ eventId })).toMatchObject({
    code: 'PAYMENT_REQUIRED',
    details: { availableCredits: 999_999, requiredCredits: 1_000_000 },
  })
  expect(await queued()).toEqual([])
  await setTo(available)
})
