// The app's: HTTP routes for what is no action, such as an answer that is streamed, or a webhook.

import { fail, ok } from 'deputyjs'
import { Hono } from 'hono'
import { z } from 'zod'
import type { Routes } from './deputy.ts'
import { recordPayment } from './routers/actions/record-payment.ts'
import { isSigned } from './webhook-signature.ts'

const PAGE = 100

const STATUSES = {
  'payment.pending': 'pending',
  'payment.failed': 'failed',
  'payment.succeeded': 'succeeded',
} as const

/** What the payment provider sends. It may add fields, and types of events that are none of ours. */
const anyEvent = z.object({ id: z.string().regex(/^[\w.:~-]{1,255}$/), type: z.string(), data: z.unknown() })
const eventType = z.enum(['payment.pending', 'payment.failed', 'payment.succeeded'])
const eventData = z.object({
  paymentId: z.string().min(1).max(255),
  userId: z.string().min(1).max(255),
  amountCents: z.int().min(1).max(1_000_000),
  currency: z.literal('usd'),
})

export const routes: Routes = ({ env, now, act, authenticate, read, respond }) => {
  const app = new Hono()

  /** Streams an event's attendees as JSON lines, a page at a time, as they are read. */
  app.get('/events/:eventId/attendees', async (c) => {
    const caller = await authenticate(c.req.raw)
    if ('response' in caller) return caller.response
    const eventId = c.req.param('eventId')

    const page = (cursor: string | null) =>
      read(caller, async (ctx) => {
        const allowed = await ctx.asCaller.may('update', 'events', eventId)
        if (!allowed.success) return allowed
        const found = await ctx.tools.query('attendees', { where: { eventId }, cursor, limit: PAGE })
        return found.success ? ok(found.data) : found
      })

    // The first page before the first byte: a refusal still has its own status.
    let next = await page(null)
    if (!next.success) return respond(next)
    const encoder = new TextEncoder()
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (!next.success) return controller.error(new Error(next.error))
        for (const record of next.data.records)
          controller.enqueue(encoder.encode(`${JSON.stringify(record)}\n`))
        if (next.data.nextCursor === null) return controller.close()
        next = await page(next.data.nextCursor)
      },
    })
    return c.body(stream, 200, { 'content-type': 'application/x-ndjson' })
  })

  /** What the payment provider says of payments, signed. It says each thing once or more, in any order. */
  app.post('/webhooks/payments', async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer())
    if (!isSigned({ headers: c.req.raw.headers, body }, env.PAYMENTS_WEBHOOK_SECRETS, now()))
      return respond(fail('UNAUTHORIZED', 'The signature is wrong, or too old.'))
    const event = anyEvent.safeParse(parseJson(body))
    if (!event.success) return respond(fail('BAD_REQUEST', 'This is no event.'))
    const type = eventType.safeParse(event.data.type)
    if (!type.success) return respond(ok({ ignored: true }))
    const data = eventData.safeParse(event.data.data)
    if (!data.success) return respond(fail('BAD_REQUEST', 'This is no payment.'))
    const { paymentId, userId, amountCents } = data.data
    const payment = { paymentId, userId, amountCents, status: STATUSES[type.data] }
    return respond(
      await act(recordPayment, payment, { key: event.data.id, name: 'payments', request: c.req.raw }),
    )
  })

  return app
}

/** Undefined for what is no JSON. */
function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}
