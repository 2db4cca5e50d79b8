import { actionRegistry, ok } from 'deputyjs'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createKeySource } from '../../server/auth/key-source.ts'
import { createVerifier } from '../../server/auth/verifier.ts'
import { type ErrorCode, HTTP_STATUS } from '../../server/core/errors.ts'
import { readEnv } from '../../server/env/environment.ts'
import * as fixtureActions from '../fixture/actions/index.ts'
import { action } from '../fixture/deputy.ts'
import { type ConsoleOptions, type OpenConsole, openConsole, SOON } from '../support/console-browser.ts'
import { execute } from '../support/execute.ts'
import { CLIENT_ID, type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.ts'
import { createTestApp } from '../support/test-app.ts'

const PATIENCE = 120_000
const API = 'https://api.example.com'
const HOURS_MS = 2 * 3_600_000

const shaped = z.strictObject({
  place: z.union([z.strictObject({ city: z.string() }), z.string()]).optional(),
  extra: z.record(z.string(), z.number()).optional(),
})
const actions = actionRegistry({
  ...fixtureActions,
  shaped: action.input(shaped).mutation(async () => ok(null)),
})

let provider: OpenIdProvider
let opened: OpenConsole<Awaited<ReturnType<typeof startApp>>>
let eventId: string
let token: string
/** How far the server's clock, by which it verifies tokens, is ahead. */
let aheadMs = 0

async function startApp({ folder }: ConsoleOptions) {
  const { auth, consoleSignIn } = readEnv({
    AUTH_JWKS_URL: provider.jwksUrl.href,
    AUTH_JWT_ISSUER: provider.issuer,
    AUTH_JWT_AUDIENCE: API,
    CONSOLE: 'on',
    CONSOLE_OIDC_ISSUER: provider.issuer,
    CONSOLE_OIDC_CLIENT_ID: CLIENT_ID,
    CONSOLE_OIDC_AUDIENCE: API,
  })
  if (auth.kind !== 'configured') throw new Error('It has no key source')
  const verifier = createVerifier({
    keys: createKeySource(auth.key),
    issuer: auth.issuer,
    audience: auth.audience,
    clock: () => new Date(Date.now() + aheadMs),
  })
  return createTestApp({ actions, verifier, console: { folder, signIn: consoleSignIn } })
}

const signInElsewhere = (page: Page) => page.getByRole('button', { name: /^Sign in at 127\.0\.0\.1/ }).click()
const isIn = (page: Page) => page.getByRole('navigation', { name: 'Pages' }).waitFor()

async function signedIn(address: string): Promise<Page> {
  const page = await opened.open(address)
  await signInElsewhere(page)
  await isIn(page)
  return page
}

async function signInWithToken(page: Page): Promise<void> {
  await page.getByLabel('Token of the owner or an admin').fill(token)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

beforeAll(async () => {
  provider = await startOpenIdProvider()
  opened = await openConsole(startApp)
  const page = await signedIn('')
  token = String(await page.evaluate('sessionStorage["deputy-console-token"]'))
  await page.context().close()
  const owner = opened.app.createCaller({ token })
  const event = { title: 'Old', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 5 }
  const made = await owner.actions.createEvent(event)
  if (!made.success) throw new Error(made.error)
  eventId = made.data.recordId
}, PATIENCE)
afterAll(async () => {
  await opened[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
}, PATIENCE)
afterEach(async () => {
  await opened.closePages()
  aheadMs = 0
  provider.user = 'owner'
  // A sign-in asks the provider.
  expect(opened.problems().filter((problem) => !problem.includes(provider.issuer))).toEqual([])
})

interface Form {
  readonly address: () => string
  /** Makes fields that are not there at first. */
  readonly prepare?: (page: Page) => Promise<void>
  /** What is typed, by the labels of fields; of a list the choice. */
  readonly typed: Readonly<Record<string, string>>
  /** What calls: a button of the form's own, or a look at another page. Without it the page calls by itself. */
  readonly press?: (page: Page) => Promise<void>
}

/** A form that calls. */
interface CallingForm extends Form {
  readonly press: (page: Page) => Promise<void>
  /** What it calls. */
  readonly route: string
  /** What is shown when it was done. */
  readonly done: string
}

const pressButton = (name: RegExp) => (page: Page) => page.getByRole('button', { name }).click()
const lookElsewhere = (page: Page) => page.getByRole('link', { name: 'Health' }).click()
const addCondition = (page: Page) => page.getByRole('button', { name: 'Add a condition' }).click()

const CALLING = {
  'a grant': {
    address: () => '#/money/accounts',
    typed: { 'Grant to': 'rich', Credits: '2.5' },
    press: pressButton(/^Grant/),
    route: '**/trpc/credits.grant**',
    done: 'rich was granted 2.5 credits',
  },
  'an action': {
    address: () => '#/actions/createEvent',
    typed: { title: 'Kept', startsAt: '2030-01-31T10:00', capacity: '20', 'Run as': 'zoë' },
    press: pressButton(/^Dry run/),
    route: '**/api/actions/createEvent',
    done: 'would commit',
  },
  'an edit of a record': {
    address: () => `#/data/events/record/${eventId}`,
    prepare: pressButton(/^Edit/),
    typed: { title: 'Changed', capacity: '7' },
    press: pressButton(/^Save/),
    route: '**/trpc/records.events.update**',
    done: 'update by records.events.update',
  },
} satisfies Readonly<Record<string, CallingForm>>

const FORMS: Readonly<Record<string, Form>> = {
  ...CALLING,
  'JSON that is none yet': {
    address: () => '#/actions/createEvent',
    prepare: (page) => page.getByText('As JSON', { exact: true }).click(),
    typed: { 'Input as JSON': '{ "title": ' },
    press: lookElsewhere,
  },
  'a field of JSON, and one of several kinds': {
    address: () => '#/actions/shaped',
    typed: { 'Kind of place': 'text', extra: '{ "a": ' },
    press: lookElsewhere,
  },
  'conditions and an order': {
    address: () => '#/data/events',
    prepare: addCondition,
    typed: {
      Field: 'capacity',
      Comparison: 'gte',
      Value: '11',
      Order: 'title',
      Direction: 'smallest and oldest first',
    },
    press: lookElsewhere,
  },
  'a condition without a value': {
    address: () => '#/data/events',
    prepare: addCondition,
    typed: { Field: 'title' },
    press: lookElsewhere,
  },
  'whose view is marked': {
    address: () => '#/data/events',
    typed: { 'See as': 'bob' },
    press: lookElsewhere,
  },
  'filters of calls': {
    address: () => '#/calls',
    typed: { User: 'nobody', From: '2030-01-31T10:00', Record: 'none' },
  },
  'what action is looked for': {
    address: () => '#/actions',
    typed: { 'Find an action': 'invite' },
    press: lookElsewhere,
  },
}

const fieldOf = (page: Page, label: string) => page.getByLabel(new RegExp(`^${label}\\b`)).first()
/** As much of a field, or of a list of choices, as is read in the page. */
interface FieldElement {
  readonly localName: string
  readonly value: string
  readonly selectedOptions?: readonly [{ readonly textContent: string }]
}

const shownIn = ({ selectedOptions, value }: FieldElement) => selectedOptions?.[0].textContent ?? value

async function type(page: Page, { prepare, typed }: Form): Promise<void> {
  await prepare?.(page)
  for (const [label, text] of Object.entries(typed)) {
    const field = fieldOf(page, label)
    if (await field.evaluate(({ localName }: FieldElement) => localName === 'select'))
      await field.selectOption(text)
    else await field.fill(text)
  }
}

async function expectTyped(page: Page, { typed }: Form): Promise<void> {
  const there: Record<string, unknown> = {}
  for (const label of Object.keys(typed)) there[label] = await fieldOf(page, label).evaluate(shownIn)
  expect(there).toEqual(typed)
}

describe('what was typed into the console', { timeout: PATIENCE }, () => {
  it.each(Object.entries(FORMS))('is there after the token has ended: %s', async (_name, form) => {
    const page = await signedIn(form.address())
    await type(page, form)
    for (const signIn of [signInWithToken, signInElsewhere]) {
      aheadMs = HOURS_MS
      await form.press?.(page)
      await page.getByRole('status').filter({ hasText: 'Your token has ended' }).waitFor()
      aheadMs = 0
      await signIn(page)
      await isIn(page)
      await page.goto(`${opened.url}${form.address()}`)
      await expectTyped(page, form)
    }
    await page.context().close()
  })

  describe.each(Object.entries<CallingForm>(CALLING))('into %s', (_name, form) => {
    it.each<[string, ErrorCode | undefined]>([
      ['a refusal', 'BAD_REQUEST'],
      ['a conflict', 'CONFLICT'],
      ['an error of the server', 'INTERNAL_SERVER_ERROR'],
      ['no answer', undefined],
    ])('is there after %s, and sent when it is pressed again', async (failure, code) => {
      const page = await signedIn(form.address())
      // What is not changed is not saved.
      const title = { title: `After ${failure}` }
      const filled = { ...form, typed: { ...form.typed, ...('title' in form.typed && title) } }
      await type(page, filled)
      await page.route(form.route, (route) =>
        code === undefined ? route.abort() : route.fulfill(refusal(code, form.route.includes('/trpc/'))),
      )
      await form.press(page)
      const said = code === undefined ? 'No answer came' : 'Request r-1'
      await page.getByRole('alert').filter({ hasText: said }).waitFor()
      await expectTyped(page, filled)
      await page.unroute(form.route)
      await form.press(page)
      await page.getByText(form.done).first().waitFor()
      await page.context().close()
    })
  })

  it('as a token is there when it is refused', async () => {
    const page = await opened.open()
    const field = page.getByLabel('Token of the owner or an admin')
    await field.fill('a.b.c')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').waitFor()
    expect(await field.inputValue()).toBe('a.b.c')
    await page.context().close()
  })

  it('is shown to the one who has typed it, and to no one else', async () => {
    await execute(
      opened.app.database,
      opened.app.databaseUrl,
      `insert into users (record_id, created_by, created_at, updated_at, version, name, email, role)
       values ('chief', 'chief', now(), now(), 1, 'Chief', 'chief@example.com', 'admin')`,
    )
    const { 'an action': action, 'an edit of a record': edit } = CALLING
    const page = await signedIn(edit.address())
    await type(page, edit)
    await page.goto(`${opened.url}${action.address()}`)
    await type(page, action)
    await page.getByRole('button', { name: 'Sign out' }).click()
    provider.user = 'chief'
    await signInElsewhere(page)
    await page.getByText('chief admin').waitFor()
    await expect.poll(() => fieldOf(page, 'title').inputValue(), SOON).toBe('')
    await page.goto(`${opened.url}${edit.address()}`)
    await page.getByRole('button', { name: 'Edit' }).waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Sign out' }).click()
    provider.user = 'owner'
    await signInElsewhere(page)
    await isIn(page)
    await expectTyped(page, edit)
    await page.goto(`${opened.url}${action.address()}`)
    await expectTyped(page, action)
    await page.context().close()
  })
})

/** An answer with an error, over tRPC or REST. */
function refusal(code: ErrorCode, isTrpc: boolean) {
  const status = HTTP_STATUS[code]
  const data = { code, httpStatus: status, requestId: 'r-1', issues: null, details: null }
  const body = isTrpc
    ? [{ error: { json: { message: 'Refused', code: -32_000, data } } }]
    : { success: false, error: 'Refused', code }
  return {
    status,
    contentType: 'application/json',
    headers: { 'x-request-id': 'r-1' },
    body: JSON.stringify(body),
  }
}
