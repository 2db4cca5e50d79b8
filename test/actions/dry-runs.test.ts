// What every action would do is told by its dry run, and nothing of it is done: no row of any table changes, and no
// provider is asked.
import { randomUUID } from 'node:crypto'
import { type ActionResult, fail, type JsonValue, ok } from 'deputyjs'
import { dryRunOf } from 'deputyjs/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as actions from '../../server/routers/actions/index.ts'
import { createTestApp, type TestApp } from './test-app.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const STARTS_AT = '2030-01-01T18:00:00.000Z'
const LATER = '2030-02-01T18:00:00.000Z'
const CREDITS = 1_000_000_000

/** How an action is called so that it succeeds, by the owner, with an event that has a guest. */
interface Call {
  readonly input: (eventId: string) => object
  /** The outside step that it makes, as a dry run names it, and what that answers. */
  readonly outside?: { readonly step: string; readonly answer: ActionResult<JsonValue> }
  /** It changes nothing, since it reads. */
  readonly isRead?: boolean
  /** No client calls it, so it has no dry run. */
  readonly isInternal?: boolean
}

const ofEvent = { input: (eventId: string) => ({ eventId }) }

/** Every action of the app. */
const CALLS: Readonly<Record<string, Call>> = {
  cancelEvent: ofEvent,
  createEvent: { input: () => ({ title: 'Launch', startsAt: STARTS_AT, capacity: 5 }) },
  inviteAttendee: { input: (eventId) => ({ eventId, attendeeId: 'bob' }) },
  listAttendees: { ...ofEvent, isRead: true },
  recomputeAnalytics: { input: () => ({}) },
  recordPayment: {
    input: () => ({ paymentId: 'p-1', userId: 'ada', amountCents: 100, status: 'succeeded' }),
    isInternal: true,
  },
  registerProfile: { input: () => ({ name: 'Grace' }) },
  remindAttendees: ofEvent,
  rescheduleEvent: { input: (eventId) => ({ eventId, startsAt: LATER }) },
  summarizeEvent: {
    ...ofEvent,
    outside: {
      step: 'openai/chat-completion',
      answer: ok({ choices: [{ message: { content: 'A launch.' } }] }),
    },
  },
  syncProfile: {
    input: () => ({}),
    outside: { step: 'once:platform/me', answer: ok({ profile: { name: 'Grace' } }) },
  },
  translateTitle: {
    input: (eventId) => ({ eventId, language: 'de' }),
    outside: { step: 'libretranslate/translate', answer: ok({ translatedText: 'Start' }) },
  },
}

/** What the providers answer to calls that count. */
const ANSWERS: Readonly<Record<string, object>> = {
  '/chat/completions': { choices: [{ message: { content: 'A launch.' } }] },
  '/translate': { translatedText: 'Start' },
  '/me': { name: 'Grace' },
}

let provider: Upstream
let app: TestApp
let token: string
beforeAll(async () => {
  provider = await startUpstream(({ path }) => ({ body: ANSWERS[path] }))
  app = await createTestApp({
    env: { PLATFORM_URL: provider.url },
    integrationEnv: {
      OPENAI_BASE_URL: provider.url,
      OPENAI_API_KEY: 'sk-test',
      RESEND_BASE_URL: provider.url,
      RESEND_API_KEY: 're_test',
      LIBRETRANSLATE_BASE_URL: provider.url,
    },
  })
  await app.fund('owner', CREDITS)
  token = await app.token('owner')
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

/** An event of the owner with a guest who has an address. */
async function newEvent(): Promise<string> {
  const owner = await app.as('owner')
  const created = await owner.actions.createEvent({
    title: 'Launch',
    startsAt: new Date(STARTS_AT),
    capacity: 5,
  })
  const eventId = created.success ? created.data.recordId : ''
  const guest = randomUUID()
  await owner.actions.inviteAttendee({ eventId, attendeeId: guest })
  const claims = { email: `${guest}@example.com`, email_verified: true }
  await (await app.as(guest, claims)).actions.registerProfile({ name: 'Guest' })
  return eventId
}

/** Every row of every table, the app's and the engine's. */
async function everyRow(): Promise<readonly string[]> {
  const tables = await app.sql(`
    select format('%I.%I', table_schema, table_name) from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1`)
  expect(tables).toContainEqual(['public.events'])
  expect(tables).toContainEqual(['deputy.audit_log'])
  const contents: string[] = []
  for (const [table] of tables)
    for (const [row] of await app.sql(`select it::text from ${table} as it`)) contents.push(`${table} ${row}`)
  return contents.sort()
}

const auditIds = async () => (await app.sql('select id from deputy.audit_log')).map(([id]) => String(id))

/** What a call has changed, its own row in the audit aside, which is answered as well: its outcome and its writes. */
async function changesOf(call: () => Promise<void>) {
  const [before, ids] = [await everyRow(), await auditIds()]
  await call()
  const after = await everyRow()
  const fresh = await app.sql(
    'select id, outcome, writes::text from deputy.audit_log where id <> all(string_to_array($1::text, $2::text))',
    [ids.join(), ','],
  )
  const isFresh = (row: string) =>
    row.startsWith('deputy.audit_') && fresh.some(([id]) => row.includes(String(id)))
  const [old, now] = [new Set(before), new Set(after)]
  return {
    gone: before.filter((row) => !now.has(row)),
    added: after.filter((row) => !old.has(row) && !isFresh(row)),
    audited: fresh.map(([, ...rest]) => rest),
  }
}

/** Over REST, by the owner. */
async function send(name: string, input: object, headers: Readonly<Record<string, string>> = {}) {
  const response = await app.fetch(
    new Request(`http://test/api/actions/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(input),
    }),
  )
  return { status: response.status, body: (await response.json()) as ActionResult<unknown> }
}

const DRY = { 'Deputy-Dry-Run': 'true' }
const NOTHING = { gone: [], added: [] }
const names = Object.keys(actions)

it('every action has a call here', () => {
  const missing = names.filter((name) => !Object.hasOwn(CALLS, name))
  expect(missing, 'Give these an input in CALLS, by which the owner calls them').toEqual([])
  expect(Object.keys(CALLS).sort()).toEqual(names.sort())
})

const forClients = Object.entries(CALLS).filter(([, { isInternal }]) => !isInternal)
const internal = Object.entries(CALLS).filter(([, { isInternal }]) => isInternal)
const withOutside = forClients.flatMap(([name, call]) =>
  call.outside ? [[name, call, call.outside] as const] : [],
)

describe.each(forClients)('%s', (name, call) => {
  it('as a dry run succeeds, writes nothing, and asks no provider', async () => {
    const input = call.input(await newEvent())
    const asked = provider.requests.length
    const sent: Awaited<ReturnType<typeof send>>[] = []
    const changes = await changesOf(async () => {
      sent.push(await send(name, input, DRY))
    })
    expect(provider.requests.length).toBe(asked)
    expect(changes).toEqual({ ...NOTHING, audited: [['dry-run', '[]']] })
    expect(sent).toMatchObject([{ status: 200, body: { success: true } }])
    const report = dryRunOf(sent[0]?.body ?? fail('NOT_FOUND', 'Nothing was answered'))
    expect(report).toMatchObject({ outcome: call.outside ? 'stopped' : 'would commit' })
    if (call.outside) expect(report.stoppedAt).toContain(call.outside.step)
  })

  it('as a call does what it is for', async () => {
    const input = call.input(await newEvent())
    const asked = provider.requests.length
    const changes = await changesOf(async () => {
      expect(await send(name, input)).toMatchObject({ status: 200, body: { success: true } })
    })
    const isChanged = changes.gone.length + changes.added.length > 0
    expect(isChanged, JSON.stringify(changes)).toBe(call.isRead !== true)
    expect(provider.requests.length - asked).toBe(call.outside ? 1 : 0)
  })
})

it.each(withOutside)(
  '%s writes nothing either where its outside step is answered',
  async (name, call, outside) => {
    const [eventId, asked] = [await newEvent(), provider.requests.length]
    const caller = app.createCaller({ token, dryRun: { answers: { [outside.step]: outside.answer } } })
    const run = Reflect.get(caller.actions, name) as (input: object) => Promise<ActionResult<unknown>>
    const changes = await changesOf(async () => {
      expect(dryRunOf(await run(call.input(eventId)))).toMatchObject({ outcome: 'would commit' })
    })
    expect(changes).toEqual({ ...NOTHING, audited: [['dry-run', '[]']] })
    expect(provider.requests.length).toBe(asked)
  },
)

it.each(internal)('%s is not there for clients, nor is a dry run of it', async (name, call) => {
  const input = call.input(await newEvent())
  const changes = await changesOf(async () => {
    for (const headers of [{}, DRY]) expect(await send(name, input, headers)).toMatchObject({ status: 404 })
  })
  expect(changes).toMatchObject(NOTHING)
})
