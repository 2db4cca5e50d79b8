import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { NamedActions } from '../../server/builders/named-actions.ts'
import { resolveSchedules } from '../../server/builders/schedules.ts'
import * as finding from '../../server/core/finding.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { syncSchedules } from '../../server/queue/schedule-rows.ts'
import * as fixtureActions from '../fixture/actions/index.ts'
import { action, internalAction } from '../fixture/deputy.ts'
import { type ConsoleOptions, type OpenConsole, openConsole, SOON } from '../support/console-browser.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const PATIENCE = 120_000
const MARKUP = '<img src=x onerror="document.title=1">'

const shaped = z.strictObject({
  at: z.date(),
  mood: z.enum(['calm', 'wild']).optional(),
  isOpen: z.boolean().optional(),
  place: z.strictObject({ city: z.string().min(2), floor: z.int().optional() }),
  tags: z.array(z.string()).optional(),
  pay: z.union([
    z.strictObject({ by: z.literal('card'), number: z.string() }),
    z.strictObject({ by: z.literal('cash') }),
  ]),
  extra: z.record(z.string(), z.number()).optional(),
})
const sent: unknown[] = []
const gloomy = internalAction.input(z.strictObject({})).mutation(async () => fail('CONFLICT', MARKUP))
const actions = actionRegistry({
  ...fixtureActions,
  shaped: action.input(shaped).mutation(async ({ input }) => {
    sent.push(input)
    return ok(null)
  }),
  laterOn: action
    .input(z.strictObject({ delayMs: z.int() }))
    .mutation(({ ctx, input: { delayMs } }) => ctx.tools.later(gloomy, {}, { delayMs, attempts: 1 })),
  gloomy,
  moody: action
    .input(z.strictObject({ note: z.string() }))
    .query(async ({ input }) => (input.note === 'bad' ? fail('CONFLICT', MARKUP) : ok({ note: input.note }))),
})

/** What the server finds of its surroundings. */
async function* examine() {
  yield finding.ok('database', 'PostgreSQL 15')
  yield finding.warning('pooler', MARKUP)
  yield finding.problem('tokens', 'AUTH_JWKS_URL: https://keys.test/jwks answers 503')
}

const startApp = async (console: ConsoleOptions) => {
  const declared = { nightly: { cron: '0 3 * * *', timeZone: 'Europe/Berlin', action: gloomy, input: {} } }
  const schedules = await resolveSchedules(declared, new NamedActions(actions))
  const started = await createTestApp({ actions, schedules, console, examine })
  await syncSchedules(started.engine)
  return started
}

type App = Awaited<ReturnType<typeof startApp>>
let opened: OpenConsole<App>
let app: App
let url: string
const open: OpenConsole['open'] = (...options) => opened.open(...options)
const signedIn: OpenConsole['signedIn'] = (...options) => opened.signedIn(...options)

beforeAll(async () => {
  opened = await openConsole(startApp)
  app = opened.app
  url = opened.url
}, PATIENCE)
afterAll(() => opened[Symbol.asyncDispose](), PATIENCE)
afterEach(async () => {
  await opened.closePages()
  expect(opened.problems()).toEqual([])
})

const events = async () => {
  const listed = await (await app.as('owner')).records.events.count()
  return listed.success ? listed.data.count : undefined
}

describe('the console', { timeout: PATIENCE }, () => {
  it('tries an action as another user, and does it with that very input', async () => {
    const page = await signedIn('#/actions/createEvent')
    await page.getByLabel('title').fill(MARKUP)
    await page.getByLabel('startsAt').fill('2030-01-31T10:00:00')
    await page.getByLabel('capacity').fill('20')
    await page.getByLabel('Run as').fill('zoë')
    const before = await events()
    const doIt = page.getByRole('button', { name: 'Do it' })
    expect(await doIt.isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByText('would commit').waitFor()
    expect(await events()).toBe(before)
    await page
      .getByRole('row', { name: /^statement insert .*events/ })
      .first()
      .waitFor()
    // Shown as text, whoever wrote it.
    await page.locator('ins', { hasText: MARKUP }).waitFor()
    await page.locator('ins', { hasText: '2030-01-31T09:00:00.000Z' }).waitFor()
    expect(await page.title()).toBe('Console')
    // What is changed after the dry run has to be tried again.
    await page.getByLabel('capacity').fill('21')
    await expect.poll(() => doIt.isDisabled()).toBe(true)
    await page.getByLabel('capacity').fill('20')
    await doIt.click()
    await page.getByText('Answered as zoë').waitFor()
    expect(await events()).toBe(Number(before) + 1)
    const curl = await page.getByRole('region', { name: 'curl' }).textContent()
    expect(curl).toContain('Deputy-Act-As: zo%C3%AB')
    expect(await page.content()).not.toContain(await page.evaluate('sessionStorage["deputy-console-token"]'))
    const entries = await (await app.as('owner')).audit.list({ actor: 'zoë' })
    expect(entries).toMatchObject({
      data: {
        entries: [
          { outcome: 'OK', actedBy: 'owner' },
          { outcome: 'dry-run', actedBy: 'owner' },
        ],
      },
    })
  })

  it('says beside each field what is wrong with it, and keeps what was typed', async () => {
    const page = await signedIn('#/actions/createEvent')
    await page.getByLabel('title').fill('Kept')
    await page.getByLabel('capacity').fill('many')
    await page.getByRole('button', { name: 'Dry run' }).click()
    for (const name of ['startsAt', 'capacity'])
      await expect.poll(() => page.getByLabel(name).getAttribute('aria-invalid'), SOON).toBe('true')
    expect(await page.getByLabel('title').getAttribute('aria-invalid')).toBe('false')
    expect(await page.getByLabel('capacity').inputValue()).toBe('many')
    // A token that has ended takes nothing away.
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in as the owner' }).click()
    await expect.poll(() => page.getByLabel('title').inputValue(), SOON).toBe('Kept')
  })

  it('has a field for each kind of value, and keeps the JSON in step', async () => {
    const page = await signedIn('#/actions/shaped')
    await page.getByLabel('at', { exact: true }).fill('2030-01-31T10:00:00')
    await page.getByLabel('mood').selectOption('wild')
    await page.getByLabel('isOpen').selectOption('true')
    await page.getByLabel('city').fill('Oslo')
    await page.getByLabel('floor').fill('3')
    await page.getByRole('button', { name: 'Add an item' }).click()
    await page.getByLabel('Item 1', { exact: true }).fill('new')
    await page.getByLabel('Kind of pay').selectOption('by "card"')
    await page.getByLabel('number').fill('4242')
    await page.getByText('As JSON', { exact: true }).click()
    const raw = page.getByLabel('Input as JSON')
    const input = {
      pay: { by: 'card', number: '4242' },
      place: { city: 'Oslo', floor: 3 },
      at: '2030-01-31T09:00:00.000Z',
      mood: 'wild',
      isOpen: true,
      tags: ['new'],
    }
    expect(JSON.parse(await raw.inputValue())).toEqual(input)
    await raw.fill('{ "pay": ')
    await page.getByRole('status').filter({ hasText: 'JSON' }).waitFor()
    expect(await page.getByRole('button', { name: 'Dry run' }).isDisabled()).toBe(true)
    await raw.fill(
      JSON.stringify({ ...input, pay: { by: 'cash' }, extra: { a: 1 }, place: { city: 'Rome' } }),
    )
    expect(await page.getByLabel('city').inputValue()).toBe('Rome')
    expect(await page.getByLabel('Kind of pay').locator('option:checked').textContent()).toBe('by "cash"')
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByText('would commit').waitFor()
    expect(sent.at(-1)).toMatchObject({
      pay: { by: 'cash' },
      extra: { a: 1 },
      at: new Date('2030-01-31T09:00:00.000Z'),
    })
  })

  it('runs what only reads at once, and shows a refusal as text', async () => {
    const page = await signedIn('#/actions/moody')
    await page.getByLabel('note').fill('bad')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: MARKUP }).waitFor()
    await page.getByLabel('note').fill('good')
    await page.keyboard.press('Enter')
    await page.locator('pre', { hasText: '"note": "good"' }).first().waitFor()
  })

  it('lists actions with who may call them, and finds one', async () => {
    const page = await signedIn()
    await page.getByRole('row', { name: /recomputeAnalytics .* owner/ }).waitFor()
    await page.getByLabel('Find an action').fill('inviteattendee')
    await expect.poll(() => page.getByRole('row').count(), SOON).toBe(2)
    await page.getByRole('link', { name: 'inviteAttendee' }).click()
    await page.getByRole('heading', { name: 'inviteAttendee' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Actions' }).waitFor()
  })

  it('lists calls, and tries one of them again', async () => {
    const user = `caller-${Date.now()}`
    const input = { title: MARKUP, startsAt: new Date('2030-01-31T09:00:00Z'), capacity: 7 }
    const made = await (await app.as(user)).actions.createEvent(input)
    if (!made.success) throw new Error(made.error)
    await execute(
      app.database,
      app.databaseUrl,
      `insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, cost, hold, endpoint, outcome, status, payer, duration_ms, invocation)
       select 'owner', 'settle', 0, 0, 250000, 'call-' || id, 'openai/chat-completion', 'unknown', 502, 'owner', 71, id from deputy.audit_log
       where actor = '${user}'`,
    )
    const page = await signedIn('#/calls')
    await page.getByLabel('User').fill(user)
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    const row = page.getByRole('row', { name: /^createEvent/ })
    await expect.poll(() => page.getByRole('row').count(), SOON).toBe(2)
    // What is called meanwhile comes by itself, and leaves what is open as it is.
    await row.getByText('More', { exact: true }).click()
    await row.locator('pre', { hasText: '<img src=x onerror=' }).waitFor()
    await row.getByText('openai/chat-completion').waitFor()
    await (await app.as(user)).actions.cancelEvent({ eventId: 'nothing' })
    const later = page.getByRole('row', { name: /^cancelEvent/ })
    await later.getByText('NOT_FOUND').waitFor()
    expect(await row.locator('pre').isVisible()).toBe(true)
    await page.getByLabel('From').fill('2990-01-31T10:00:00')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByText('No call is like that').waitFor()
    expect(new URL(page.url()).hash).toContain(
      encodeURIComponent(encodeURIComponent('2990-01-31T09:00:00.000Z')),
    )
    expect(await page.getByLabel('From').inputValue()).toBe('2990-01-31T10:00')
    await page.getByLabel('From').fill('')
    await page.getByLabel('Before').fill('2990-01-31T10:00:00')
    await page.getByLabel('Action').fill('createEvent')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await expect.poll(() => page.getByRole('row').count(), SOON).toBe(2)
    await row.getByText('More', { exact: true }).click()
    await row.locator('pre', { hasText: '<img src=x onerror=' }).waitFor()
    await row.getByRole('link', { name: 'A page of its own' }).click()
    await page.getByRole('heading', { name: 'createEvent' }).waitFor()
    await page
      .getByRole('row', { name: 'openai/chat-completion unknown 502 owner 0.25 credits 71 ms' })
      .waitFor()
    await page.goBack()
    await row.getByText('More', { exact: true }).click()
    await row.getByRole('link', { name: `events/${made.data.recordId}` }).click()
    await expect.poll(() => page.getByLabel('Record').inputValue(), SOON).toBe(made.data.recordId)
    await row.getByText('More', { exact: true }).click()
    await row.getByRole('link', { name: 'Try it again as a dry run' }).click()
    expect(await page.getByLabel('Run as').inputValue()).toBe(user)
    expect(await page.getByLabel('capacity').inputValue()).toBe('7')
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByText('would commit').waitFor()
    expect(await page.title()).toBe('Console')
  })

  it('shows what the app does without a caller, and changes it', async () => {
    const ada = await app.as('ada')
    for (const delayMs of [0, 86_400_000]) await ada.actions.laterOn({ delayMs })
    await doAllDue(app.engine)
    const page = await signedIn('#/calls/action=gloomy')
    await page.getByText('More', { exact: true }).first().click()
    await page.getByText('A run of job').waitFor()
    await page.getByRole('link', { name: 'Work' }).click()
    page.on('dialog', (dialog) => void dialog.accept())
    const nightly = page.getByRole('row', { name: /nightly/ })
    // What the app says of every action by default.
    await nightly.getByText('for at most 20,000 credits a day').waitFor()
    await nightly.getByRole('button', { name: 'Pause nightly' }).click()
    await nightly.getByText('paused', { exact: true }).waitFor()
    await nightly.getByRole('button', { name: 'Resume nightly' }).click()
    await nightly.getByRole('button', { name: 'Pause nightly' }).waitFor()
    await page.getByRole('link', { name: 'Jobs' }).first().click()
    const failed = page.getByRole('row').filter({ hasText: MARKUP })
    await failed.getByText('failed', { exact: true }).waitFor()
    const waiting = page.getByRole('row').filter({ hasText: 'waiting' })
    await waiting.getByText('at most 20,000 credits a day, with all runs of gloomy').first().waitFor()
    await waiting.getByRole('button', { name: /^Cancel / }).click()
    await expect.poll(() => waiting.count(), SOON).toBe(0)
    await page.getByLabel('State').selectOption('done')
    await page.getByText('There is no such job').waitFor()
    await page.getByLabel('State').selectOption('failed')
    await failed.getByRole('button', { name: /^Run now / }).click()
    await expect.poll(() => failed.count(), SOON).toBe(0)
    await page.getByRole('link', { name: 'Outbox' }).click()
    await page.getByText('Everything has arrived').waitFor()
    await execute(
      app.database,
      app.databaseUrl,
      `insert into deputy.queue (id, kind, lane, state, data, payer, caller, action, invocation, max_attempts)
       values ('m-1', 'message', 'nowhere/send', 'dead', '{}', 'owner', 'ada', 'gloomy', 'i-1', 13)`,
    )
    await page.reload()
    await page.getByText('the owner pays what is not known before').waitFor()
    const jobs = await (await app.as('owner')).jobs.list()
    expect(jobs).toMatchObject({ data: { jobs: [{ state: 'waiting', action: 'gloomy' }] } })
  })

  it('grants credits once, and shows what was spent and what may be', async () => {
    const page = await signedIn('#/money/accounts')
    const grant = page.getByRole('button', { name: /^Grant/ })
    await page.getByLabel('Grant to').fill('rich')
    await page.getByLabel('Credits').fill('two')
    expect(await grant.isDisabled()).toBe(true)
    await page.getByLabel('Credits').fill('2.5')
    // All answers to the first press are lost: the second one has its key.
    const keys: (string | undefined)[] = []
    let isLosing = true
    await page.route('**/trpc/credits.grant**', async (route) => {
      keys.push(route.request().headers()['idempotency-key'])
      if (!isLosing) return route.continue()
      await route.fetch()
      await route.abort()
    })
    await grant.click()
    await page.getByRole('alert').filter({ hasText: 'No answer came' }).waitFor()
    expect(await page.getByLabel('Credits').inputValue()).toBe('2.5')
    isLosing = false
    await grant.click()
    await page.getByRole('status').filter({ hasText: 'was granted 2.5 credits and has 2.5' }).waitFor()
    expect(keys).toEqual(Array(4).fill(expect.stringMatching(/^[\w-]{36}$/)))
    expect(new Set(keys).size).toBe(1)
    await page.getByRole('link', { name: 'rich' }).click()
    await page.getByRole('row', { name: /^grant key .* \+2\.5 credits/ }).waitFor()
    await execute(
      app.database,
      app.databaseUrl,
      `insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, cost, hold, action, endpoint)
       values ('owner', 'settle', 0, 0, 1250000, 'console-test', 'summarizeEvent', 'openai/chat-completion');
       insert into deputy.budget_days values ('app', '', (now() at time zone 'utc')::date, 3, 500000, 10, 9000000000000000)`,
    )
    await page.getByRole('link', { name: 'Spending' }).click()
    await page.getByRole('row', { name: /^summarizeEvent .* 1\.25 credits 1$/ }).waitFor()
    await page.getByLabel('By').selectOption('user')
    await page.getByRole('row', { name: /^callers without a token/ }).waitFor()
    await page.getByRole('link', { name: 'Budgets' }).click()
    await page.getByRole('row', { name: /^the app as a whole app 3 of 10/ }).waitFor()
    await page.getByText('0.5 credits, without a limit').waitFor()
  })

  it('says how the server is, and what should be looked at', async () => {
    await (await app.as('ada')).actions.laterOn({ delayMs: 0 })
    await doAllDue(app.engine)
    const page = await signedIn('#/health')
    await page.getByRole('status').filter({ hasText: 'job given up' }).waitFor()
    const facts = page.getByRole('region', { name: 'Database' })
    await facts.getByText('Newest migration of the engine').waitFor()
    expect(await facts.textContent()).toMatch(/\d{4}_[a-z-]+/)
    // The worst comes first, as text whoever wrote it.
    const found = page.getByRole('region', { name: 'Surroundings' })
    await found.getByRole('row', { name: 'tokens problem AUTH_JWKS_URL' }).waitFor()
    expect(await found.getByRole('rowheader').allTextContents()).toEqual(['tokens', 'pooler', 'database'])
    await found.getByText(MARKUP).waitFor()
  })

  it.each([
    ['work/jobs/nope', 'must be waiting, running, done, failed'],
    ['work/outbox/nope', 'must be queued or dead'],
    ['money/budgets/nope', 'must be one of action, anonymous, app, caller'],
    ['money/spending/nope', 'must be action, integration or user'],
    ['calls/outcome=nope', 'must be OK, dry-run'],
    ['calls/from=nope', 'must be a date and time with a zone'],
    ['calls/call/nope', 'There is no entry "nope"'],
    ['data/events/list/where=nope', 'where'],
    ['data/events/list/where=nope&through=rules', 'where'],
    ['data/events/list/orderDir=nope', 'must be asc or desc'],
    ['data/events/record/nope', 'nope'],
  ])('says what is wrong with an address, and which request it was: %s', async (address, sentence) => {
    const page = await signedIn(`#/${address}`)
    const said = page.getByRole('alert').filter({ hasText: sentence })
    await said.getByText(/^Request [\w-]{36}$/).waitFor()
    await page.context().close()
  })

  it('is shown in no frame of another page', async () => {
    const other = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<iframe src="${url}"></iframe>`),
    )
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    try {
      const page = await open()
      await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}`)
      // What stands in its place is a page of the browser's own.
      await expect.poll(() => page.frames()[1]?.url(), SOON).toBe('chrome-error://chromewebdata/')
      await page.context().close()
      // The other page itself is what it asked for elsewhere.
      opened.problems()
    } finally {
      other.close()
      other.closeAllConnections()
    }
  })

  it('is not for members, and a token of theirs is not kept', async () => {
    const page = await open()
    await page.getByLabel('Token of the owner or an admin').fill(await app.token('member'))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('is for the owner and admins').waitFor()
    expect(await page.getByRole('navigation').count()).toBe(0)
    expect(await page.context().cookies()).toEqual([])
  })

  it.each([
    [1280, 'light'],
    [360, 'dark'],
  ] as const)(
    'has nothing that axe finds, and is as wide as its window: %i, %s',
    async (width, colorScheme) => {
      const options = { viewport: { width, height: 800 }, colorScheme, bypassCSP: true }
      const page = await open('', options)
      const look = async () => {
        expect(await opened.lookAt(page)).toEqual([])
        expect(
          await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth'),
        ).toBe(true)
      }
      await look()
      await page.getByRole('button', { name: 'Sign in as the owner' }).click()
      await page.getByRole('link', { name: 'shaped' }).waitFor()
      await look()
      await page.goto(`${url}#/actions/shaped`)
      await page.getByRole('button', { name: 'Add an item' }).click()
      await page.getByRole('button', { name: 'Dry run' }).click()
      await page.getByRole('alert').waitFor()
      await look()
      await page.goto(`${url}#/actions/createEvent`)
      await page.getByLabel('title').fill('x'.repeat(200))
      await page.getByLabel('startsAt').fill('2030-01-31T10:00:00')
      await page.getByLabel('capacity').fill('20')
      await page.getByRole('button', { name: 'Dry run' }).click()
      await page.getByText('would commit').waitFor()
      await look()
      await page.goto(`${url}#/work/schedules`)
      await page.getByRole('row', { name: /nightly/ }).waitFor()
      await look()
      await page.goto(`${url}#/work/jobs`)
      await page
        .getByRole('row', { name: /gloomy/ })
        .first()
        .waitFor()
      await look()
      await page.goto(`${url}#/calls`)
      await page.getByText('More', { exact: true }).first().click()
      await look()
      for (const list of ['spending', 'budgets', 'accounts/rich']) {
        await page.goto(`${url}#/money/${list}`)
        await page.getByRole('table').waitFor()
        await look()
      }
      await page.goto(`${url}#/health`)
      await page.getByRole('region', { name: 'Server', exact: true }).waitFor()
      await look()
    },
  )
})
