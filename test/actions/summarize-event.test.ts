import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'
import { startUpstream, type Upstream, type UpstreamAnswer } from './upstream.ts'

let worker: Upstream
let app: TestApp
beforeAll(async () => {
  worker = await startUpstream(() => ({ body: {} }))
  app = await createTestApp({ apiWorkerUrl: worker.url, ownerJwt: 'the-token-of-the-owner' })
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await worker[Symbol.asyncDispose]()
})

const completion = (content: string) => ({ choices: [{ message: { content } }] })

async function newEvent(title: string) {
  const ada = await app.as('ada')
  const startsAt = new Date('2030-01-01T18:00:00Z')
  const created = await ada.actions.createEvent({ title, startsAt, capacity: 5 })
  return { ada, eventId: created.success ? created.data.recordId : '' }
}

async function summaryOf(eventId: string): Promise<unknown> {
  const rows = await app.sql('select summary from events where record_id = $1', [eventId])
  return rows[0]?.[0]
}

it('asks the model once on the account of the owner, and keeps the summary', async () => {
  const { ada, eventId } = await newEvent('Launch')
  worker.answer = () => ({ body: { success: true, data: completion('A launch.') } })
  const before = worker.requests.length
  expect(await ada.actions.summarizeEvent({ eventId })).toEqual({
    success: true,
    data: { summary: 'A launch.' },
  })
  expect(await summaryOf(eventId)).toBe('A launch.')
  const asked = worker.requests.slice(before)
  expect(asked).toMatchObject([
    { method: 'POST', path: '/api/integrations/openai/chat-completion', token: 'the-token-of-the-owner' },
  ])
  expect(JSON.stringify(asked[0]?.body)).toContain('Launch, 2030-01-01T18:00:00.000Z, 0 of 5 places taken')
})

it('spends nothing for a stranger or a missing event', async () => {
  const { eventId } = await newEvent('Private')
  const before = worker.requests.length
  const eve = await app.as('eve')
  expect(await eve.actions.summarizeEvent({ eventId })).toMatchObject({ code: 'NOT_FOUND' })
  expect(await eve.actions.summarizeEvent({ eventId: 'none' })).toMatchObject({ code: 'NOT_FOUND' })
  expect(worker.requests.length).toBe(before)
  worker.answer = () => ({ body: completion('By the owner.') })
  expect(await (await app.as('owner')).actions.summarizeEvent({ eventId })).toMatchObject({ success: true })
})

it.each<[string, UpstreamAnswer, string]>([
  ['an error', { status: 500, body: { error: 'boom' } }, 'BAD_GATEWAY'],
  ['no credit', { status: 402, body: { error: 'no credit', code: 'PAYMENT_REQUIRED' } }, 'PAYMENT_REQUIRED'],
  ['a limit', { status: 429, body: { error: 'slow down' } }, 'TOO_MANY_REQUESTS'],
  ["a refusal of the owner's token", { status: 401, body: { error: 'who?' } }, 'BAD_GATEWAY'],
  ['a failure with status 200', { body: { success: false, error: 'no model' } }, 'BAD_GATEWAY'],
  ['HTML', { contentType: 'text/html', body: '<h1>Hi</h1>' }, 'BAD_GATEWAY'],
  ['no choices', { body: { choices: [] } }, 'BAD_GATEWAY'],
  ['another shape', { body: { text: 'A launch.' } }, 'BAD_GATEWAY'],
  ['an empty text', { body: completion('') }, 'BAD_GATEWAY'],
])('writes nothing when the worker answers with %s', async (_what, answer, code) => {
  const { ada, eventId } = await newEvent('Launch')
  worker.answer = () => answer
  expect(await ada.actions.summarizeEvent({ eventId })).toMatchObject({ success: false, code })
  expect(await summaryOf(eventId)).toBeNull()
})

it('never shows the token of the owner, though the worker echoes it', async () => {
  const { ada, eventId } = await newEvent('Launch')
  worker.answer = ({ token }) => ({ status: 400, body: { error: `bad token ${token}` } })
  const result = await ada.actions.summarizeEvent({ eventId })
  expect(result).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  expect(JSON.stringify([result, app.logged])).not.toContain('the-token-of-the-owner')
})
