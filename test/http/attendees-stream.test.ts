import { actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createEvent } from '../fixture/actions/create-event.ts'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { get } from './send.ts'

const actions = actionRegistry({
  createEvent,
  inviteMany: action
    .input(z.strictObject({ eventId: z.string(), count: z.number() }))
    .mutation(async ({ ctx, input: { eventId, count } }) => {
      for (let at = 0; at < count; at += 1) {
        const invited = await ctx.tools.create('attendees', { eventId, attendeeId: `guest-${at}` })
        if (!invited.success) return invited
      }
      return ok({ count })
    }),
})

const newApp = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof newApp>>
let url: string
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

async function newEvent(creator: string, guests: number) {
  const caller = await app.as(creator)
  const startsAt = new Date('2030-01-01T18:00:00Z')
  const created = await caller.actions.createEvent({ title: 'Launch', startsAt, capacity: 500 })
  if (!created.success) throw new Error(created.error)
  const eventId = created.data.recordId
  const invited = await caller.actions.inviteMany({ eventId, count: guests })
  if (!invited.success) throw new Error(invited.error)
  return `${url}/events/${eventId}/attendees`
}

const Line = z.object({
  recordId: z.string(),
  createdAt: z.iso.datetime(),
  data: z.object({ attendeeId: z.string(), status: z.literal('invited') }),
})

describe("an event's attendees", () => {
  it('come as JSON lines, each once, over several pages', async () => {
    const address = await newEvent('ada', 250)
    const answer = await get(address, { token: await app.token('ada') })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    expect(answer.text.endsWith('\n')).toBe(true)
    const lines = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => Line.parse(JSON.parse(line)))
    expect(new Set(lines.map(({ data }) => data.attendeeId)).size).toBe(250)
    expect(lines).toHaveLength(250)
  })

  it('are an empty stream when nobody is invited', async () => {
    const answer = await get(await newEvent('ada', 0), { token: await app.token('ada') })
    expect([answer.status, answer.text]).toEqual([200, ''])
  })

  it('are for the creator and the owner; everybody else is refused before the first byte', async () => {
    const address = await newEvent('ada', 1)
    expect((await get(address, { token: await app.token('owner') })).status).toBe(200)
    const refusals = [
      [await get(address), 401, 'UNAUTHORIZED'],
      [await get(address, { token: 'not.a.token' }), 401, 'UNAUTHORIZED'],
      [await get(address, { token: await app.token('eve') }), 404, 'NOT_FOUND'],
      [await get(`${url}/events/none/attendees`, { token: await app.token('eve') }), 404, 'NOT_FOUND'],
      [await get(`${url}/events/%00/attendees`, { token: await app.token('eve') }), 400, 'BAD_REQUEST'],
      [await get(`${url}/events/%ff/attendees`, { token: await app.token('eve') }), 404, 'NOT_FOUND'],
    ] as const
    for (const [answer, status, code] of refusals) {
      expect(answer.status).toBe(status)
      expect(answer.json).toMatchObject({ success: false, code })
      expect(answer.headers.get('content-type')).toBe('application/json')
    }
  })

  it('hold up nobody when their reader goes away', async () => {
    const address = await newEvent('ada', 250)
    const token = await app.token('ada')
    for (let reader = 0; reader < 20; reader += 1) {
      const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } })
      await response.body?.cancel()
    }
    const whole = await get(address, { token })
    expect(whole.text.trimEnd().split('\n')).toHaveLength(250)
  })
})
