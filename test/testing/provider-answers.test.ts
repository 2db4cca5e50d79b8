import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createTestApp } from '../../server/testing/create-test-app.ts'
import { fixture } from '../fixture/app.ts'

const database = inject('database')
const open = () =>
  createTestApp(fixture, { databaseUrl: database.kind === 'postgres' ? database.url : undefined })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
  await app.fund('owner', 100_000_000)
})
afterAll(() => app[Symbol.asyncDispose]())

const SUMMARY = {
  choices: [{ message: { content: 'A party.' } }],
  usage: { prompt_tokens: 40, completion_tokens: 10 },
}

async function newEvent(by = app): Promise<string> {
  const ada = await by.as('ada')
  const startsAt = new Date('2030-01-01T18:00:00Z')
  const created = await ada.actions.createEvent({ title: 'Launch', startsAt, capacity: 10 })
  if (!created.success) throw new Error(created.error)
  return created.data.recordId
}
const summarize = async (eventId: string, by = app) =>
  (await by.as('ada')).actions.summarizeEvent({ eventId })

describe('an answer in place of a provider', () => {
  it('is given without an address, a secret or a request, and costs what the declaration says', async () => {
    app.providers.answer('openai/chat-completion', SUMMARY)
    const { available } = await app.balance('owner')
    expect(await summarize(await newEvent())).toEqual({ success: true, data: { summary: 'A party.' } })
    expect(await app.balance('owner')).toMatchObject({
      available: available - 40 * 150 - 10 * 600,
      reserved: 0,
    })
  })

  it('may be what a function makes of the data that is sent', async () => {
    const sent: string[] = []
    app.providers.answer('openai/chat-completion', async ({ messages, max_tokens }) => {
      sent.push(`${messages.length} messages, ${max_tokens} tokens`)
      return { ...SUMMARY, choices: [{ message: { content: `The ${sent.length}.` } }] }
    })
    const eventId = await newEvent()
    expect(await summarize(eventId)).toMatchObject({ data: { summary: 'The 1.' } })
    expect(await summarize(eventId)).toMatchObject({ data: { summary: 'The 2.' } })
    expect(sent).toEqual(['2 messages, 120 tokens', '2 messages, 120 tokens'])
  })

  it.each([
    [400, 'BAD_REQUEST', /too long/],
    [401, 'BAD_GATEWAY', /refused the app's credentials/],
    [429, 'TOO_MANY_REQUESTS', /no more calls/],
    [500, 'BAD_GATEWAY', /status 500/],
  ])('may have a status: %s is the failure %s, and costs nothing', async (status, code, message) => {
    app.providers.answer('openai/chat-completion', { status, body: { error: { message: 'too long' } } })
    const before = await app.balance('owner')
    const result = await summarize(await newEvent())
    expect(result).toMatchObject({ success: false, code, error: expect.stringMatching(message) })
    expect(await app.balance('owner')).toEqual(before)
  })

  it('is checked as one of the provider: another shape is none that can be used', async () => {
    app.providers.answer('openai/chat-completion', { choices: [] } as never)
    expect(await summarize(await newEvent())).toMatchObject({
      code: 'BAD_GATEWAY',
      error: expect.stringContaining('another shape'),
    })
  })

  it('sends the messages of the queue, too', async () => {
    const mails: unknown[] = []
    app.providers.answer('resend/email', ({ to }) => {
      mails.push(to)
      return { id: 'mail' }
    })
    const eventId = await newEvent()
    await (await app.as('ada')).actions.inviteAttendee({ eventId, attendeeId: 'bob' })
    const bob = await app.as('bob', { email: 'bob@example.com', email_verified: true })
    await bob.actions.registerProfile({ name: 'Bob' })
    await (await app.as('ada')).actions.remindAttendees({ eventId })
    expect(await app.outbox()).toMatchObject([{ endpoint: 'resend/email' }])
    expect(await app.runDue()).toMatchObject([{ kind: 'message', name: 'resend/email', outcome: 'done' }])
    expect(mails).toEqual(['bob@example.com'])
    expect(await app.outbox()).toEqual([])
  })

  it('is paid by whoever pays for the endpoint', async () => {
    app.providers.answer('libretranslate/translate', { translatedText: 'Markteinführung' })
    const ada = await app.as('ada')
    const input = { eventId: await newEvent(), language: 'de' }
    expect(await ada.actions.translateTitle(input)).toMatchObject({ code: 'PAYMENT_REQUIRED' })
    await app.fund('ada', 5_000_000)
    expect(await ada.actions.translateTitle(input)).toMatchObject({ data: { title: 'Markteinführung' } })
    expect(await app.balance('ada')).toMatchObject({ available: 3_000_000 })
  })

  it('leaves other endpoints as they are, and says how they are answered', async () => {
    await using another = await open()
    another.providers.answer('resend/email', { id: 'mail' })
    expect(await summarize(await newEvent(another), another)).toMatchObject({
      code: 'PRECONDITION_FAILED',
      error: expect.stringMatching(/Set OPENAI_BASE_URL.*providers\.answer\("openai\/chat-completion"/),
    })
  })

  it.each(['openai/nothing', 'nothing/email', 'resend', 'toString/constructor'])(
    'is refused for what is not declared (%s)',
    (endpoint) => {
      expect(() => app.providers.answer(endpoint as 'resend/email', { id: 'mail' })).toThrow(
        `integrations.ts declares no endpoint "${endpoint}"`,
      )
    },
  )

  it('is typed by the declaration', () => {
    const typed = () => {
      // @ts-expect-error: the answer has an id
      app.providers.answer('resend/email', { identity: 'mail' })
      // @ts-expect-error: there is no such endpoint
      app.providers.answer('resend/letter', { id: 'mail' })
      // @ts-expect-error: what is sent has no such field
      app.providers.answer('resend/email', ({ sender }) => ({ id: sender }))
    }
    expect(typed).toBeTypeOf('function')
  })
})
