// The app's: HTTP routes for what is no action, such as an answer that is streamed.

import { ok } from 'deputyjs'
import { Hono } from 'hono'
import type { Routes } from './deputy.ts'

const PAGE = 100

export const routes: Routes = ({ authenticate, read, respond }) => {
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

  return app
}
