import type { Route } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type OpenConsole, openConsole, SOON } from '../support/console-browser.ts'
import { execute } from '../support/execute.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const PATIENCE = 120_000
const MARKUP = '<img src=x onerror="document.title=1">'
/** Longer than what a list or a record shows at once. */
const LONG = 'a long text '.repeat(90_000)

let opened: OpenConsole
let app: TestApp
let url: string
const ids: Record<string, string> = {}
const signedIn: OpenConsole['signedIn'] = (...options) => opened.signedIn(...options)

beforeAll(async () => {
  opened = await openConsole((console) => createTestApp({ console }))
  app = opened.app
  url = opened.url
  const ada = await app.as('ada')
  const day = (nth: number) => new Date(Date.UTC(2030, 0, 1 + nth))
  for (const [nth, [title, visibility]] of (
    [
      [MARKUP, 'private'],
      ['Open day', 'public'],
      ['Winter', 'public'],
    ] as const
  ).entries()) {
    const created = await ada.records.events.create({
      data: { title, visibility, startsAt: day(nth), capacity: 10 + nth },
    })
    if (!created.success) throw new Error(created.error)
    ids[title] = created.data.recordId
  }
  const invited = await ada.actions.inviteAttendee({ eventId: ids['Open day'] ?? '', attendeeId: 'bob' })
  if (!invited.success) throw new Error(invited.error)
  await execute(
    app.database,
    app.databaseUrl,
    `insert into events (record_id, created_by, created_at, updated_at, version, title, summary, starts_at, capacity)
     select 'many-' || lpad(n::text, 3, '0'), 'eve', timestamptz '2020-01-01' + n * interval '1 hour', now(), 1,
       'Many ' || n, case when n = 1 then repeat('a long text ', 90000) end, now(), 5 from generate_series(1, 120) n`,
  )
}, PATIENCE)
afterAll(() => opened[Symbol.asyncDispose](), PATIENCE)
afterEach(async () => {
  await opened.closePages()
  expect(opened.problems()).toEqual([])
})

const register = (user: string, role: string) =>
  execute(
    app.database,
    app.databaseUrl,
    `insert into users (record_id, created_by, created_at, updated_at, version, name, email, role)
     values ('${user}', '${user}', now(), now(), 1, '${user}', '${user}@example.com', '${role}')`,
  )
const event = async (id: string | undefined) => {
  const read = await (await app.as('owner')).records.events.get({ recordId: id ?? '' })
  if (!read.success) throw new Error(read.error)
  return read.data.record
}

describe('the data in the console', { timeout: PATIENCE }, () => {
  it('is found by conditions and an order, each with an address, a page at a time', async () => {
    const page = await signedIn('#/data')
    await page.getByRole('link', { name: 'events', exact: true }).click()
    await page.getByText('Read as the app through tools').waitFor()
    await page.getByRole('row', { name: /Winter/ }).waitFor()
    // Shown as text, whoever wrote it.
    await page.getByRole('row').filter({ hasText: MARKUP }).waitFor()
    const rows = page.getByRole('row')
    expect(await rows.count()).toBe(51)
    await page.getByRole('button', { name: 'Show more' }).click()
    await expect.poll(() => rows.count(), SOON).toBe(101)
    await page.getByRole('button', { name: 'Add a condition' }).click()
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: 'Condition 1 has no value' }).waitFor()
    await page.getByLabel('Field').selectOption('capacity')
    await page.getByLabel('Comparison').selectOption('gte')
    await page.getByLabel('Value').fill('11')
    await page.getByRole('button', { name: 'Add a condition' }).click()
    const second = page.getByRole('group', { name: 'Condition 2' })
    await second.getByLabel('Field').selectOption('title')
    await second.getByLabel('Comparison').selectOption('startsWith')
    await second.getByLabel('Value').fill('Win')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await expect.poll(() => rows.count(), SOON).toBe(2)
    await page.getByRole('row', { name: /Winter/ }).waitFor()
    // The address is what was chosen, and the form what the address says.
    await page.reload()
    await expect.poll(() => rows.count(), SOON).toBe(2)
    expect(await second.getByLabel('Value').inputValue()).toBe('Win')
    await page.getByText('As JSON', { exact: true }).click()
    const raw = page.getByLabel('Conditions as JSON')
    expect(JSON.parse(await raw.inputValue())).toEqual({
      capacity: { gte: 11 },
      title: { startsWith: 'Win' },
    })
    await raw.fill('{"OR":[{"title":"Winter"},{"title":"Open day"}]}')
    await page.getByText('These conditions have groups').waitFor()
    await page.getByLabel('Order').selectOption('startsAt')
    await page.getByLabel('Direction').selectOption('asc')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await expect
      .poll(() => page.getByRole('rowheader').allTextContents(), SOON)
      .toEqual([`${ids['Open day']} `, `${ids.Winter} `])
    await raw.fill('{"titel":1}')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: 'titel' }).waitFor()
    expect(await page.title()).toBe('Console')
  })

  it('marks what a user does not see, of records and of fields', async () => {
    const page = await signedIn('#/data/events')
    await page.getByLabel('See as').fill('bob')
    await page.getByRole('button', { name: 'See as them' }).click()
    await page.getByRole('row').filter({ hasText: MARKUP }).getByText('hidden from bob').waitFor()
    expect(
      await page
        .getByRole('row', { name: /Winter/ })
        .getByText('hidden')
        .count(),
    ).toBe(0)
    await page.getByRole('link', { name: ids[MARKUP] ?? '' }).click()
    await page.getByRole('status').filter({ hasText: 'This record is hidden from bob' }).waitFor()
    await register('zoe', 'member')
    await page.goto(`${url}#/data/users/record/zoe/as=bob`)
    await page.getByRole('row', { name: /^email hidden from bob/ }).waitFor()
    await page.getByRole('row', { name: /^name/ }).waitFor()
    expect(await page.getByRole('row', { name: /^name hidden/ }).count()).toBe(0)
    // No role but admin may read it at all.
    await page.goto(`${url}#/data/analytics/list/as=bob`)
    await page.getByText('It has no records').waitFor()
    await page.getByRole('link', { name: 'What the rules show an admin' }).click()
    await page.getByText('Read through records, by the rules of the role admin').waitFor()
  })

  it('goes along references, and shows who did what to a record', async () => {
    const page = await signedIn(`#/data/events/record/${ids['Open day']}`)
    await page.getByRole('row', { name: /^create by records.events.create ada/ }).waitFor()
    await page.getByRole('link', { name: 'attendees by eventId' }).click()
    await page.getByRole('row', { name: /bob/ }).getByRole('link').first().click()
    await page.getByRole('row', { name: /^create by inviteAttendee ada/ }).waitFor()
    await page.getByRole('link', { name: ids['Open day'] ?? '' }).click()
    await page.getByRole('row', { name: /^title Open day/ }).waitFor()
  })

  it('changes a record, and shows both where someone else has changed it', async () => {
    const page = await signedIn(`#/data/events/record/${ids.Winter}`)
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('capacity').fill('')
    await page.getByText('capacity: give a value').waitFor()
    await page.getByLabel('capacity').fill('0')
    const save = page.getByRole('button', { name: /^Save/ })
    // Each look at a record as the app is in the audit: a refusal is none.
    const reads: string[] = []
    page.on('request', (request) => void (request.url().includes('data.get') && reads.push(request.url())))
    await save.click()
    await page.getByRole('alert').filter({ hasText: 'capacity' }).waitFor()
    expect(reads).toEqual([])
    await page.getByLabel('capacity').fill('77')
    await page.getByLabel('title', { exact: true }).fill('Mine')
    // A token that has ended takes nothing away.
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in as the owner' }).click()
    await expect.poll(() => page.getByLabel('title', { exact: true }).inputValue(), SOON).toBe('Mine')
    const ada = await app.as('ada')
    const theirs = { title: 'Theirs', visibility: 'private' } as const
    expect(await ada.records.events.update({ recordId: ids.Winter ?? '', patch: theirs })).toMatchObject({
      success: true,
    })
    await save.click()
    await page.getByRole('alert').filter({ hasText: 'it is version 2 now' }).waitFor()
    await page.getByRole('row', { name: 'title Winter Theirs Mine Take theirs of title' }).waitFor()
    expect((await event(ids.Winter)).data).toMatchObject({ title: 'Theirs', capacity: 12 })
    await page.getByRole('button', { name: 'Take theirs of title' }).click()
    await save.click()
    await page.getByRole('row', { name: /^capacity 77/ }).waitFor()
    // What only one side has changed is kept from that side.
    expect(await event(ids.Winter)).toMatchObject({
      version: 3,
      data: { title: 'Theirs', visibility: 'private', capacity: 77 },
    })
    await page.getByRole('row', { name: /^update by records.events.update owner/ }).waitFor()
  })

  it('saves once, although the answer of the first attempt is lost', async () => {
    const page = await signedIn(`#/data/events/record/${ids['Open day']}`)
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('title', { exact: true }).fill('Opened')
    const before = (await event(ids['Open day'])).version
    const keys = new Set<string | undefined>()
    let isLosing = true
    await page.route('**/trpc/records.events.update**', async (route) => {
      keys.add(route.request().headers()['idempotency-key'])
      if (!isLosing) return route.continue()
      await route.fetch()
      await route.abort()
    })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').filter({ hasText: 'No answer came' }).waitFor()
    isLosing = false
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('row', { name: /^title Opened/ }).waitFor()
    expect(keys.size).toBe(1)
    expect((await event(ids['Open day'])).version).toBe(before + 1)
  })

  it('shows a text of a million characters without all of it, and all when asked', async () => {
    const page = await signedIn('#/data/events/record/many-001')
    const text = page.locator('pre', { hasText: 'a long text' })
    await text.waitFor()
    expect((await text.textContent())?.length).toBeLessThan(30_000)
    await page.getByRole('button', { name: /^Show all 1.080.000 characters/ }).click()
    await expect.poll(async () => (await text.textContent()) === LONG, SOON).toBe(true)
    await page.goto(`${url}#/data/events/list/${encodeURIComponent('where={"recordId":"many-001"}')}`)
    await page.getByText('1,080,000 characters').waitFor()
    expect((await page.content()).length).toBeLessThan(100_000)
  })

  it('shows an admin what the rules show them, and no more', async () => {
    await register('boss', 'admin')
    const page = await opened.open('#/data/events')
    await page.getByLabel('Token of the owner or an admin').fill(await app.token('boss'))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('Read through records, by the rules of the role admin').waitFor()
    await page.getByRole('row', { name: /Opened|Open day/ }).waitFor()
    expect(await page.getByLabel('See as').count()).toBe(0)
    await page.goto(`${url}#/data/attendees`)
    await page.getByText('It has no records').waitFor()
  })

  it('shows no one what another has read, nor ends their token for that of another', async () => {
    await register('chief', 'admin')
    const page = await signedIn('#/money/accounts')
    const held: Route[] = []
    const isOf = (name: string) => held.some((route) => route.request().url().includes(name))
    await page.route('**/trpc/**', (route) => void held.push(route))
    await page.getByLabel('Grant to').fill('rich')
    await page.getByLabel('Credits').fill('1')
    await page.getByRole('button', { name: /^Grant 1/ }).click()
    await expect.poll(() => isOf('credits.grant'), SOON).toBe(true)
    await page.getByRole('link', { name: 'Calls' }).click()
    await expect.poll(() => isOf('audit.list'), SOON).toBe(true)
    const ofOwner = held.splice(0)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token of the owner or an admin').fill(await app.token('chief'))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await expect.poll(() => isOf('users.me'), SOON).toBe(true)
    expect(await page.getByRole('navigation').count()).toBe(0)
    await held.shift()?.continue()
    await page.getByText('chief admin').waitFor()
    await expect.poll(() => isOf('audit.list'), SOON).toBe(true)
    // What the owner asked for last is answered when someone else looks.
    for (const route of ofOwner) {
      if (route.request().url().includes('audit.list')) await route.continue()
      else await route.fulfill({ status: 401, body: '{}' })
    }
    await page.getByText('Reading…').waitFor()
    const rows = page.getByRole('row')
    expect(await rows.count()).toBe(0)
    await page.unroute('**/trpc/**')
    await rows.nth(1).waitFor()
    await page.getByText('chief admin').waitFor()
  })

  it.each([
    [1280, 'dark'],
    [360, 'light'],
  ] as const)(
    'has nothing that axe finds, and is as wide as its window: %i, %s',
    async (width, colorScheme) => {
      const page = await signedIn('#/data', {
        viewport: { width, height: 800 },
        colorScheme,
        bypassCSP: true,
      })
      const look = async () => {
        expect(await opened.lookAt(page)).toEqual([])
        expect(
          await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth'),
        ).toBe(true)
      }
      await page.getByRole('link', { name: 'events', exact: true }).waitFor()
      await look()
      await page.goto(`${url}#/data/events/list/${encodeURIComponent('where={"capacity":{"gte":6}}&as=bob')}`)
      await page.getByText('hidden from bob').first().waitFor()
      await look()
      await page.getByRole('rowheader').first().getByRole('link').click()
      await page
        .getByRole('row', { name: /^create by / })
        .first()
        .waitFor()
      await look()
      await page.getByRole('button', { name: 'Edit' }).click()
      await look()
    },
  )
})
