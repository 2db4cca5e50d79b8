import { type ActionResult, actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { action } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

const actions = actionRegistry({
  /** Reads as the caller, again and again in one transaction. */
  look: action
    .input(z.strictObject({ eventId: z.string(), userId: z.string() }))
    .mutation(async ({ ctx, input }) => {
      const may = await ctx.asCaller.may('update', 'events', input.eventId)
      const event = await ctx.asCaller.get('events', input.eventId)
      const mine = await ctx.asCaller.get('events', input.eventId, { may: 'update' })
      const events = await ctx.asCaller.query('events', { where: { recordId: input.eventId } })
      const user = await ctx.asCaller.get('users', input.userId)
      const readable = await ctx.asCaller.get('users', input.userId, { may: 'read' })
      return ok({
        may: shown(may),
        event: shown(event),
        mine: shown(mine),
        events: shown(events),
        user: shown(user),
        readable: shown(readable),
        role: await ctx.role(),
      })
    }),
})
const open = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
  await run(`
    insert into events (record_id, created_by, created_at, updated_at, title, starts_at, capacity)
    values ('secret', 'somebody', now(), now(), 'Secret', now(), 1);
    insert into users (record_id, created_at, updated_at, name, email) values ('ben', now(), now(), 'Ben', 'ben@example.com')`)
})
afterAll(() => app[Symbol.asyncDispose]())

const run = (text: string) => execute(app.database, app.databaseUrl, text)

/** What another server of the same database would do, of which this one hears nothing. */
const setRole = (role: string | null) =>
  run(
    role === null
      ? `delete from users where record_id = 'eve'`
      : `insert into users (record_id, created_at, updated_at, role) values ('eve', now(), now(), '${role}')
          on conflict (record_id) do update set role = excluded.role`,
  )

function shown(result: ActionResult<unknown>) {
  return result.success ? result.data : result.code
}

const ROLES = [null, 'admin', 'member', 'admin', null, 'editor', 'admin', 'editor', 'member', null] as const

describe('a role that another server changes holds from the next read on', () => {
  it.each(ROLES.map((role, at) => [ROLES[at - 1] ?? null, role] as const))(
    'from %s to %s',
    async (_from, role) => {
      await setRole(role)
      const eve = await app.as('eve')
      const isAdmin = role === 'admin'
      for (const _time of ['when it has changed', 'when it is known']) {
        const event = await eve.records.events.get({ recordId: 'secret' })
        expect(event).toMatchObject(isAdmin ? { success: true } : { code: 'NOT_FOUND' })
        const page = await eve.records.events.list({ where: { recordId: 'secret' } })
        expect(page).toMatchObject({ data: { count: isAdmin ? 1 : 0 } })
        expect(await eve.records.events.count({})).toEqual(ok({ count: isAdmin ? 1 : 0 }))
        const users = await eve.records.users.list({ where: { recordId: 'ben' } })
        const fields = isAdmin ? ['name', 'email', 'imageUrl', 'role'] : ['name', 'imageUrl']
        expect(users.success && users.data.records.map(({ data }) => Object.keys(data))).toEqual([fields])
        const byMail = await eve.records.users.list({ where: { email: 'ben@example.com' } as never })
        expect(byMail).toMatchObject(isAdmin ? { success: true } : { code: 'BAD_REQUEST' })
      }
    },
  )

  it.each(ROLES.map((role, at) => [ROLES[at - 1] ?? null, role] as const))(
    'from %s to %s, in an action',
    async (_from, role) => {
      await setRole(role)
      const eve = await app.as('eve')
      const isAdmin = role === 'admin'
      for (const _time of ['when it has changed', 'when it is known']) {
        const looked = await eve.actions.look({ eventId: 'secret', userId: 'ben' })
        expect(looked).toMatchObject({
          data: isAdmin
            ? {
                may: { recordId: 'secret' },
                event: {},
                mine: { record: { recordId: 'secret', data: { title: 'Secret' } } },
                events: { count: 1 },
                role,
              }
            : {
                may: role === 'editor' ? 'FORBIDDEN' : 'NOT_FOUND',
                event: 'NOT_FOUND',
                mine: role === 'editor' ? 'FORBIDDEN' : 'NOT_FOUND',
                events: { count: 0 },
                role: role ?? 'member',
              },
        })
        const { user, readable } = (looked.success ? looked.data : {}) as {
          user?: { record: { data: object } }
          readable?: unknown
        }
        expect(readable).toEqual(user)
        expect(Object.keys(user?.record.data ?? {}).includes('email')).toBe(isAdmin)
      }
    },
  )
})
