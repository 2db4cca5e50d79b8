import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestApp, type TestApp } from './test-app.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const PRICE = 2_000_000

let translator: Upstream
let app: TestApp
beforeAll(async () => {
  translator = await startUpstream(({ body }) => {
    const { q, target } = body as { q: string; target: string }
    return { body: { translatedText: `${q} (${target})` } }
  })
  app = await createTestApp({ integrationEnv: { LIBRETRANSLATE_BASE_URL: translator.url } })
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await translator[Symbol.asyncDispose]()
})

async function newEvent() {
  const ada = await app.as('ada')
  const startsAt = new Date('2030-01-01T18:00:00Z')
  const created = await ada.actions.createEvent({ title: 'Launch', startsAt, capacity: 5 })
  const eventId = created.success ? created.data.recordId : ''
  await ada.records.events.update({ recordId: eventId, patch: { visibility: 'public' } })
  return eventId
}

it('translates the title, and the caller pays, not the owner', async () => {
  const [eventId, user] = [await newEvent(), randomUUID()]
  await app.fund(user, PRICE + 1)
  await app.fund('owner', PRICE)
  const caller = await app.as(user)
  expect(await caller.actions.translateTitle({ eventId, language: 'de' })).toEqual({
    success: true,
    data: { title: 'Launch (de)' },
  })
  expect(await app.balance(user)).toMatchObject({ available: 1, reserved: 0 })
  expect(await app.balance('owner')).toMatchObject({ available: PRICE, reserved: 0 })
})

it('asks nobody when the caller has too little', async () => {
  const [eventId, user] = [await newEvent(), randomUUID()]
  const before = translator.requests.length
  expect(await (await app.as(user)).actions.translateTitle({ eventId, language: 'de' })).toMatchObject({
    code: 'PAYMENT_REQUIRED',
    details: { availableCredits: 0, requiredCredits: PRICE },
  })
  expect(translator.requests.length).toBe(before)
})

it('costs nothing for an event that the caller may not read, or for no language', async () => {
  const user = randomUUID()
  await app.fund(user, PRICE)
  const caller = await app.as(user)
  const eventId = randomUUID()
  expect(await caller.actions.translateTitle({ eventId, language: 'de' })).toMatchObject({
    code: 'NOT_FOUND',
  })
  await expect(caller.actions.translateTitle({ eventId, language: 'German' })).rejects.toMatchObject({
    code: 'BAD_REQUEST',
  })
  expect(await app.balance(user)).toMatchObject({ available: PRICE, reserved: 0 })
})
