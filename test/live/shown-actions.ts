import { type fail, ok } from 'deputyjs'
import { z } from 'zod'
import { attendees, events } from '../fixture/collections.ts'
import { action, ownerAction, roleAction } from '../fixture/deputy.ts'

/** What a test does to the actions while they run. */
export interface ActionHooks {
  /** Waited for by `held`, before it reads: the embedded database has one connection. */
  hold: Promise<void>
  /** Answered by `passing` in place of a success. */
  failure: ReturnType<typeof fail> | undefined
  /** Thrown by `broken`. */
  error: Error | undefined
}

/** Actions that only read, each of which shows how often it was run, by its name and its caller. */
export function shownActions() {
  const runs: string[] = []
  const hooks: ActionHooks = { hold: Promise.resolve(), failure: undefined, error: undefined }
  const ran = (name: string, { userId }: { readonly userId: string }) => runs.push(`${name} ${userId}`)
  const nothing = z.strictObject({})
  const one = z.strictObject({ eventId: z.string() })
  const actions = {
    /** The titles of the caller's own events. */
    listMine: action
      .input(z.strictObject({ prefix: z.string().default('') }))
      .output(z.object({ titles: z.array(z.string()) }))
      .query(async ({ ctx, input }) => {
        ran('listMine', ctx)
        const where = { createdBy: ctx.userId, title: { startsWith: input.prefix } }
        const found = await ctx.tools.query('events', {
          where,
          orderBy: 'title',
          orderDir: 'asc',
          limit: 100,
        })
        // What the output does not have is not sent.
        return found.success
          ? ok({ titles: found.data.records.map(({ data }) => data.title), secret: 'CANARY-output' })
          : found
      }),
    countAttendees: action.input(nothing).query(async ({ ctx }) => {
      ran('countAttendees', ctx)
      return ctx.tools.count('attendees')
    }),
    getAsCaller: action.input(one).query(async ({ ctx, input }) => {
      ran('getAsCaller', ctx)
      return ctx.asCaller.get('events', input.eventId)
    }),
    listVisible: action.input(nothing).query(async ({ ctx }) => {
      ran('listVisible', ctx)
      return ctx.asCaller.query('attendees', { limit: 100 })
    }),
    countBySql: action.input(nothing).query(async ({ ctx }) => {
      ran('countBySql', ctx)
      return ctx.tools.sql(async (database) => ({
        guests: await database.$count(attendees),
        events: await database.$count(events),
      }))
    }),
    /** Reads events first, and attendees where there are any: what a run reads may differ from the run before. */
    guestsOfAny: action.input(nothing).query(async ({ ctx }) => {
      ran('guestsOfAny', ctx)
      const mine = await ctx.tools.count('events', { createdBy: ctx.userId })
      if (!mine.success || mine.data.count === 0) return ok({ guests: -1 })
      const guests = await ctx.tools.count('attendees')
      return guests.success ? ok({ guests: guests.data.count }) : guests
    }),
    forAdmins: roleAction('admin')
      .input(nothing)
      .query(async ({ ctx }) => {
        ran('forAdmins', ctx)
        return ctx.tools.query('events', { limit: 1_000 })
      }),
    forOwner: ownerAction.input(nothing).query(async ({ ctx }) => {
      ran('forOwner', ctx)
      return ctx.tools.count('events')
    }),
    whoCalls: action.input(nothing).query(async ({ ctx }) => {
      ran('whoCalls', ctx)
      const { userId, claims, callerJwt } = ctx
      return ok({ userId, org: claims.org ?? null, hasToken: callerJwt.length > 20 })
    }),
    held: action.input(nothing).query(async ({ ctx }) => {
      ran('held', ctx)
      await hooks.hold
      return ctx.tools.count('events', { createdBy: ctx.userId })
    }),
    passing: action.input(nothing).query(async ({ ctx }) => {
      ran('passing', ctx)
      const counted = await ctx.tools.count('events', { createdBy: ctx.userId })
      return hooks.failure ?? counted
    }),
    broken: action.input(nothing).query(async ({ ctx }) => {
      ran('broken', ctx)
      const counted = await ctx.tools.count('events', { createdBy: ctx.userId })
      if (hooks.error) throw hooks.error
      return counted
    }),
    limited: action
      .input(nothing)
      .meta({ limit: { rate: 2, per: 'hour' } })
      .query(async ({ ctx }) => {
        ran('limited', ctx)
        return ctx.tools.count('events', { createdBy: ctx.userId })
      }),
    hidden: action
      .input(nothing)
      .meta({ live: false })
      .query(async () => ok({})),
    writes: action.input(nothing).mutation(async ({ ctx }) => {
      ran('writes', ctx)
      return ok({})
    }),
  }
  return {
    actions,
    runs,
    hooks,
    runsOf: (name: string) => runs.filter((run) => run.startsWith(`${name} `)).length,
  }
}
