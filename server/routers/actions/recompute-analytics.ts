import { ok } from 'deputyjs'
import { z } from 'zod'
import { ownerAction } from '../../deputy.ts'

/** Counts everything and keeps the result under a known id. The owner's work. */
export const recomputeAnalytics = ownerAction
  .input(z.strictObject({}))
  .output(z.object({ recordId: z.string(), events: z.int(), attendees: z.int() }))
  .meta({ summary: 'Counts everything and keeps the result' })
  .mutation(async ({ ctx }) => {
    const events = await ctx.tools.count('events')
    if (!events.success) return events
    const attendees = await ctx.tools.count('attendees')
    if (!attendees.success) return attendees
    const totals = { events: events.data.count, attendees: attendees.data.count }
    const saved = await ctx.tools.create('analytics', { ...totals, computedAt: ctx.now }, 'summary')
    return saved.success ? ok({ recordId: saved.data.recordId, ...totals }) : saved
  })
