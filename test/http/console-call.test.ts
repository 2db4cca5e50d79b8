import { randomUUID } from 'node:crypto'
import { actionRegistry, ok } from 'deputyjs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { action } from '../fixture/deputy.ts'
import { type ConsoleOptions, type OpenConsole, openConsole, SOON } from '../support/console-browser.ts'
import { createTestApp } from '../support/test-app.ts'

const PATIENCE = 120_000
const MARKUP = '<img src=x onerror="document.title=1">'

const actions = actionRegistry({
  tells: action.input(z.strictObject({ lines: z.int() })).mutation(async ({ ctx, input }) => {
    const made = await ctx.tools.create('events', { title: 'x', startsAt: ctx.now, capacity: 1 })
    if (!made.success) return made
    await ctx.tools.once('shop/ada', () => 'done')
    ctx.log.info({ note: MARKUP }, `Begun ${MARKUP}`)
    for (let nth = 1; nth <= input.lines; nth += 1) ctx.log.info(`Line ${nth}`)
    ctx.log.warn('Out of tea')
    return ok(null)
  }),
  quiet: action
    .input(z.strictObject({}))
    .mutation(({ ctx }) => ctx.tools.create('events', { title: 'x', startsAt: ctx.now, capacity: 1 })),
})
const startApp = (console: ConsoleOptions) => createTestApp({ actions, console })

let opened: OpenConsole<Awaited<ReturnType<typeof startApp>>>
beforeAll(async () => {
  opened = await openConsole(startApp)
}, PATIENCE)
afterAll(() => opened[Symbol.asyncDispose](), PATIENCE)
afterEach(async () => {
  await opened.closePages()
  expect(opened.problems()).toEqual([])
})

/** The address of the call of a new user. */
async function called(call: 'tells' | 'quiet', lines = 0): Promise<string> {
  const { app } = opened
  const user = `user-${randomUUID()}`
  const as = await app.as(user)
  const done = await (call === 'tells' ? as.actions.tells({ lines }) : as.actions.quiet({}))
  expect(done).toMatchObject({ success: true })
  const entries = (await (await app.as('owner')).audit.list({ actor: user })).data?.entries
  return `#/calls/call/${entries?.[0]?.id}`
}

describe('the page of a call', { timeout: PATIENCE }, () => {
  it('shows its once steps and what it logged, as text', async () => {
    const page = await opened.signedIn(await called('tells'))
    const once = page.getByRole('table', { name: 'Done once' })
    await once.getByRole('row', { name: /^shop\/ada answered 1 .* \d+ ms$/ }).waitFor()
    const log = page.getByRole('table', { name: 'Log' })
    expect(await log.getByRole('row').count()).toBe(3)
    const first = log.getByRole('row').nth(1)
    await first.getByText(`Begun ${MARKUP}`).waitFor()
    expect(await first.locator('pre').textContent()).toBe(JSON.stringify({ note: MARKUP }))
    expect(await first.locator('td[data-label="Attempt"]').textContent()).toBe('2')
    const instant = await first.locator('time').getAttribute('title')
    expect(new Date(instant ?? '').toISOString()).toBe(instant)
    await log.getByRole('row', { name: /^warn Out of tea/ }).waitFor()
    expect(await page.getByText('missing between').count()).toBe(0)
    expect([await page.title(), await page.locator('img').count()]).toEqual(['Console', 0])
  })

  it('says how many lines are missing, and what is empty', async () => {
    const page = await opened.signedIn(await called('tells', 200))
    await page.getByText('102 lines are missing between the first and the newest').waitFor()
    await page.goto(`${opened.url}${await called('quiet')}`)
    await page.getByText('It has logged nothing that is kept').waitFor()
    await page.getByText('It has called no one outside').waitFor()
    expect(await page.getByRole('table').count()).toBe(0)
  })

  it('shows an admin neither', async () => {
    const { app } = opened
    await (await app.as('boss')).users.register()
    await (await app.as('owner')).users.setRole({ userId: 'boss', role: 'admin' })
    const page = await opened.open(await called('tells'))
    await page.getByLabel('Token of the owner or an admin').fill(await app.token('boss'))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'tells' }).waitFor()
    await expect.poll(() => page.getByText('Reading its steps').count(), SOON).toBe(0)
    expect(await page.content()).not.toMatch(/Out of tea|shop\/ada|logged nothing/)
  })

  it.each([
    [1280, 'light'],
    [360, 'dark'],
  ] as const)(
    'has nothing that axe finds, and is as wide as its window: %i, %s',
    async (width, colorScheme) => {
      const options = { viewport: { width, height: 800 }, colorScheme, bypassCSP: true }
      const page = await opened.signedIn(await called('tells', 2), options)
      await page.getByRole('table', { name: 'Log' }).waitFor()
      expect(await opened.lookAt(page)).toEqual([])
      expect(
        await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth'),
      ).toBe(true)
    },
  )
})
