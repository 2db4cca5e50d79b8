import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../support/browser.ts'
import { createTestApp } from '../support/test-app.ts'

let browser: Awaited<ReturnType<typeof openBrowser>>
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** What a page may keep of a token beyond itself. */
const KEPT = 'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])'
const HOSTILE = '<img src=x onerror="document.title=`taken`"><script>document.title="taken"</script>'

/** A page of its own, with everything that it asked for and that it complained about. */
async function open(url: string) {
  const context = await browser.browser.newContext()
  const page = await context.newPage()
  const [requests, complaints]: [string[], string[]] = [[], []]
  page.on('request', (request) => requests.push(request.url()))
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(`${url}/docs`)
  return {
    page,
    complaints,
    /** Addresses beyond the server. */
    outside: () =>
      requests.filter((address) => !address.startsWith(`${url}/`) && !address.startsWith('data:')),
    requests,
    [Symbol.asyncDispose]: () => context.close(),
  }
}

interface Filled {
  readonly body?: string
  /** By their name. */
  readonly parameters?: Readonly<Record<string, string>>
}

/** Tries an operation. @returns the body of its answer, as it is shown */
async function execute(page: Page, method: string, path: string, { body, parameters = {} }: Filled) {
  const operation = page.locator(`.opblock-${method}`).filter({ has: page.getByText(path, { exact: true }) })
  await operation.locator('.opblock-summary').click()
  if (body !== undefined) await operation.locator('textarea.body-param__text').fill(body)
  for (const [name, value] of Object.entries(parameters)) await operation.getByPlaceholder(name).fill(value)
  await operation.getByRole('button', { name: 'Execute' }).click()
  const answer = operation.locator('.live-responses-table .highlight-code pre')
  return JSON.parse((await answer.textContent()) ?? '')
}

async function giveToken(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.locator('#token-form button').click()
}

describe('the reference page in a browser without a network', () => {
  it('shows the actions, and calls one and shows its answer, in which a text is a text', async () => {
    await using app = await createTestApp({ apiDocs: 'public' })
    const url = await app.listen()
    await using opened = await open(url)
    const { page } = opened
    await page.getByText('/api/actions/createEvent', { exact: true }).waitFor()
    await giveToken(page, await app.token('ada'))
    const input = { title: HOSTILE, startsAt: '2030-01-01T10:00:00Z', capacity: 5 }
    const created = await execute(page, 'post', '/api/actions/createEvent', { body: JSON.stringify(input) })
    expect(created).toMatchObject({ success: true })
    const { recordId } = created.data
    const read = await execute(page, 'get', '/api/records/events/{recordId}', { parameters: { recordId } })
    expect(read).toMatchObject({ success: true, data: { record: { data: { title: HOSTILE } } } })
    expect(await page.title()).toBe('Server actions: reference')
    expect(opened.outside()).toEqual([])
    expect(opened.complaints).toEqual([])
    expect(await page.evaluate(KEPT)).toBe('[{},{},""]')
  })

  it('asks for a token, and for nothing else, where the document is for users', async () => {
    await using app = await createTestApp({ apiDocs: 'users' })
    const url = await app.listen()
    await using opened = await open(url)
    const { page, requests } = opened
    await page.getByText('paste a token').waitFor()
    expect(requests.filter((address) => !address.startsWith(`${url}/docs`))).toEqual([])
    await giveToken(page, await app.token('ada'))
    await page.getByText('/api/actions/createEvent', { exact: true }).waitFor()
    expect(opened.outside()).toEqual([])
    expect(opened.complaints).toEqual([])
    expect(await page.evaluate(KEPT)).toBe('[{},{},""]')
    await page.reload()
    await page.getByText('paste a token').waitFor()
    expect(await page.getByLabel('Token').inputValue()).toBe('')
  })
})
