// Runs the main job once, on a database that is thrown away: `npm run demo`.
import { createHmac, randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { ActionResult } from 'deputyjs'
import { createClient, DeputyError, unwrap } from 'deputyjs/client'
import { createTestApp } from 'deputyjs/testing'
import { type AppRouter, app } from '../../server/app.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const OPENAI_KEY = 'sk-demo'
const OWNER_CREDITS = 5_000_000
const WEBHOOK_SECRET = `whsec_${randomBytes(32).toString('base64')}`
const DAY_MS = 86_400_000

type Running = Awaited<ReturnType<typeof start>>

const upstream = await startUpstream()
try {
  await using running = await start(upstream)
  await demonstrate(running, upstream)
} finally {
  await upstream.close()
}

/** The app with everything that a server has: a socket, tokens, providers, and mails that are sent. */
async function start({ url }: Upstream) {
  const running = await createTestApp(app, {
    integrationEnv: {
      OPENAI_BASE_URL: `${url}/v1`,
      OPENAI_API_KEY: OPENAI_KEY,
      RESEND_BASE_URL: url,
      RESEND_API_KEY: 're_demo',
      LIBRETRANSLATE_BASE_URL: url,
    },
    env: { PAYMENTS_WEBHOOK_SECRETS: WEBHOOK_SECRET },
  })
  await running.fund('owner', OWNER_CREDITS)
  running.startDispatcher()
  return running
}

async function demonstrate(running: Running, providers: Upstream): Promise<void> {
  const { token } = running
  const url = await running.listen()
  const client = async (user: string) => createClient<AppRouter>({ url, token: await token(user) })
  const bobsToken = await token('bob', { email: 'bob@example.com', email_verified: true })
  const countOf = async (eventId: string) => {
    const rows = await running.sql('select attendee_count from events where record_id = $1', [eventId])
    return String(rows[0]?.[0])
  }

  heading('Ada creates an event and invites Bob, with the typed client')
  const ada = await client('ada')
  const startsAt = new Date('2030-01-01T18:00:00Z')
  const { recordId: eventId } = unwrap(
    await ada.actions.createEvent.mutate({ title: 'Launch', startsAt, capacity: 20 }),
  )
  say(`event ${eventId}`)
  unwrap(await ada.actions.inviteAttendee.mutate({ eventId, attendeeId: 'bob' }))
  say(`Bob is invited, and the event counts ${await countOf(eventId)} attendee`)

  heading('She invites Cyd over REST')
  const rest = async (user: string, action: string, input: unknown) => {
    const response = await fetch(`${url}/api/actions/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await token(user)}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    return `${response.status} ${await response.text()}`
  }
  say(
    `POST /api/actions/inviteAttendee → ${await rest('ada', 'inviteAttendee', { eventId, attendeeId: 'cyd' })}`,
  )

  heading('A stranger may not, and learns nothing of a private event')
  say(`Eve invites herself: ${await rest('eve', 'inviteAttendee', { eventId, attendeeId: 'eve' })}`)
  say(`nobody: ${(await fetch(`${url}/api/actions/inviteAttendee`, { method: 'POST' })).status}`)

  heading('What callers may do by themselves needs no action')
  const address = `${url}/api/records/events/${eventId}`
  say(`nobody reads the private event: ${(await fetch(address)).status}`)
  unwrap(await ada.records.events.update.mutate({ recordId: eventId, patch: { visibility: 'public' } }))
  say(`Ada makes it public, and nobody reads it: ${(await fetch(address)).status}`)
  const attendee = { eventId, attendeeId: 'dan' }
  say(
    `Ada adds an attendee herself: ${code(await ada.records.attendees.create.mutate({ data: attendee } as never))}`,
  )
  const raised = { recordId: eventId, patch: { attendeeCount: 0 } as never }
  say(`Ada sets the count herself: ${code(await ada.records.events.update.mutate(raised))}`)
  say(`The action does both: ${code(await ada.actions.inviteAttendee.mutate(attendee))}`)

  heading('Both writes or neither')
  const before = await countOf(eventId)
  say(`Ada invites Bob again: ${await rest('ada', 'inviteAttendee', { eventId, attendeeId: 'bob' })}`)
  say(
    `The count had been raised in the same transaction; it was ${before}, and it is ${await countOf(eventId)}`,
  )

  heading("The owner's work")
  const refused = await ada.actions.recomputeAnalytics.mutate({}).catch((error: unknown) => error)
  say(
    `Ada: ${refused instanceof DeputyError ? `${refused.code}: ${refused.message}` : 'was let in, which is wrong'}`,
  )
  const owner = await client('owner')
  say(`owner: ${JSON.stringify(unwrap(await owner.actions.recomputeAnalytics.mutate({})))}`)

  heading('A paid call between a read and a write')
  const { summary } = unwrap(await ada.actions.summarizeEvent.mutate({ eventId }))
  say(`Ada has the event summarized: ${JSON.stringify(summary)}`)
  const keys = providers.called('/v1/chat/completions')
  const whose = keys.every((key) => key === OPENAI_KEY) ? "the app owner's key" : 'a wrong key'
  say(`The language model was called ${keys.length} time, with ${whose}`)

  heading('A call that the caller pays')
  const translate = { eventId, language: 'de' }
  say(`Ada has no credits: ${code(await ada.actions.translateTitle.mutate(translate))}`)
  const gift = [
    { account: 'ada', amount: 3_000_000 },
    { context: { idempotencyKey: 'welcome-ada' } },
  ] as const
  for (const _twice of [1, 2]) unwrap(await owner.credits.grant.mutate(...gift))
  say('The owner grants her 3 credits, twice under one key, and so once')
  const { title } = unwrap(await ada.actions.translateTitle.mutate(translate))
  say(`Ada has the title translated: ${JSON.stringify(title)}`)

  heading('A mail that leaves after the commit')
  const bob = createClient<AppRouter>({ url, token: bobsToken })
  unwrap(await bob.actions.registerProfile.mutate({ name: 'Bob' }))
  const { queued } = unwrap(await ada.actions.remindAttendees.mutate({ eventId }))
  await providers.calledTimes('/emails', queued)
  await until(async () => (await running.balance('owner')).reserved === 0)
  say(`Ada reminds whoever has an address: ${queued} queued, ${providers.called('/emails').length} sent`)

  heading('A payment, of which its provider tells by a signed webhook')
  const paid = { paymentId: 'pay_1', userId: 'cyd', amountCents: 250, currency: 'usd' }
  const event = JSON.stringify({ id: 'evt_1', type: 'payment.succeeded', data: paid })
  say(`with another signature: ${await deliver(url, event, 'whsec_AAAA')}`)
  for (const nth of ['first', 'second']) say(`the ${nth} time: ${await deliver(url, event)}`)
  await until(async () => (await running.balance('cyd')).available > 0)
  say(`Cyd has ${(await running.balance('cyd')).available} micro-credits`)

  heading('A reminder a day before the event, which moves with it')
  const reminders = async () =>
    (await running.jobs()).filter(({ action, state }) => action === 'remindAttendees' && state === 'waiting')
  const dues = async () => (await reminders()).map(({ dueAt }) => dueAt.toISOString()).join() || 'none'
  say(`due: ${await dues()}`)
  const moved = new Date('2030-02-01T18:00:00Z')
  unwrap(await ada.actions.rescheduleEvent.mutate({ eventId, startsAt: moved }))
  say(`Ada moves the event by a month; due: ${await dues()}`)
  const mails = providers.called('/emails').length
  running.clock.advance(moved.getTime() - DAY_MS - Date.now())
  await providers.calledTimes('/emails', mails + queued)
  await until(async () => (await running.balance('owner')).reserved === 0)
  say(`The clock is put to the day before: ${providers.called('/emails').length - mails} sent`)
  unwrap(await ada.actions.rescheduleEvent.mutate({ eventId, startsAt: new Date('2030-03-01T18:00:00Z') }))
  say(`She moves it once more; due: ${await dues()}`)
  unwrap(await ada.actions.cancelEvent.mutate({ eventId }))
  say(`She cancels it; due: ${await dues()}`)

  heading('What the app does every night, by itself')
  const nightly = async () => {
    const { schedules } = unwrap(await owner.schedules.list.query())
    return schedules.map(
      ({ name, next, lastOutcome }) => `${name}: next ${next?.toISOString()}, last ${lastOutcome}`,
    )
  }
  say((await nightly()).join())
  running.clock.advance(DAY_MS)
  await running.runDue()
  say(`A day later ${(await nightly()).join()}`)

  heading('The ledger, in micro-credits')
  for (const account of ['owner', 'ada', 'cyd']) {
    const { entries } = unwrap(await owner.credits.statement.query({ account }))
    for (const entry of entries.toReversed()) say(`${account.padEnd(6)}${ledgerLine(entry)}`)
    const { available, reserved } = unwrap(await owner.credits.balance.query({ account }))
    say(`${account.padEnd(6)}has ${available} available and ${reserved} reserved`)
  }
}

/** Delivers an event as its provider does. */
async function deliver(url: string, body: string, secret = WEBHOOK_SECRET): Promise<string> {
  const timestamp = Math.floor(Date.now() / 1_000)
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(`msg_1.${timestamp}.${body}`).digest('base64')
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  }
  const answer = await fetch(`${url}/webhooks/payments`, { method: 'POST', headers, body })
  return `${answer.status} ${await answer.text()}`
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await setTimeout(50)
}

interface LedgerEntry {
  readonly kind: string
  readonly availableDelta: number
  readonly reservedDelta: number
  readonly endpoint: string | null
  readonly caller: string | null
  readonly action: string | null
}

function ledgerLine({ kind, availableDelta, reservedDelta, endpoint, caller, action }: LedgerEntry): string {
  const what = endpoint === null ? '' : `  ${endpoint} for ${caller}, by ${action}`
  return `${kind.padEnd(8)}${signed(availableDelta)} available ${signed(reservedDelta)} reserved${what}`
}

function signed(amount: number): string {
  return (amount > 0 ? `+${amount}` : String(amount)).padStart(9)
}

function code(result: ActionResult<unknown>): string {
  return result.success ? 'done' : `${result.code}: ${result.error}`
}

function heading(text: string): void {
  console.log(`\n${text}`)
}

function say(text: string): void {
  console.log(`  ${text}`)
}
