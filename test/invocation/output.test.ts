import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { callAsApp } from '../../server/builders/call-as-app.ts'
import { INTERNAL_MESSAGE } from '../../server/core/errors.ts'
import { action, internalAction, ownerAction, roleAction } from '../fixture/deputy.ts'
import { get, post } from '../http/send.ts'
import { createTestApp } from '../support/test-app.ts'

const input = z.strictObject({ id: z.string().max(50), bad: z.boolean().optional() })
const AT = new Date('2026-02-28T09:30:00.000Z')

/** What is declared, of what there is: keys at two depths are not, and one has a default. */
const output = z.object({
  id: z.string(),
  at: z.date(),
  guests: z.array(z.object({ name: z.string() })),
  state: z.string().default('new'),
})
const SHAPED = { at: AT, guests: [{ name: 'Bob' }], state: 'new' }
const SHAPED_JSON = { ...SHAPED, at: AT.toISOString() }

/** Gives more than is declared, or something else at a place in its depths. */
function wholeOf({ id, bad }: z.output<typeof input>): z.input<typeof output> {
  const name = bad === true ? (secret as unknown as string) : 'Bob'
  const guests = [{ name, email: 'bob@example.com' }]
  return { id, at: AT, guests, secret } as z.input<typeof output>
}

const secret = { key: 'hunter2' }

const actions = actionRegistry({
  write: action
    .input(input)
    .output(output)
    .meta({ dryRun: 'caller' })
    .mutation(async ({ ctx, input }): Promise<ActionResult<z.input<typeof output>>> => {
      const event = { title: input.id, startsAt: AT, capacity: 5 }
      const created = await ctx.tools.create('events', event, input.id)
      return created.success ? ok(wholeOf(input)) : created
    }),
  read: action
    .input(input)
    .output(output)
    .query(async ({ input }) => ok(wholeOf(input))),
  transformed: roleAction('member')
    .input(input)
    .output(z.date().transform((at) => at.getTime()))
    .mutation(async () => ok(AT)),
  strict: ownerAction
    .input(input)
    .output(z.strictObject({ id: z.string() }))
    .mutation(async ({ input }) => ok({ ...input })),
  nothing: action
    .input(input)
    .output(z.undefined())
    .mutation(async () => ok(undefined)),
  slow: action
    .input(input)
    .output(z.string().refine(async (text) => text === 'good'))
    .mutation(async ({ input }) => ok(input.id)),
  fails: action
    .input(input)
    .output(output)
    .mutation(async ({ ctx, input }) => {
      const removed = await ctx.tools.remove('events', 'none')
      return removed.success ? ok(wholeOf(input)) : removed
    }),
  inside: internalAction
    .input(input)
    .output(output)
    .mutation(async ({ input }) => ok(wholeOf(input))),
})

const open = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof open>>
let url: string
let token: string
beforeAll(async () => {
  app = await open()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

const overRest = (name: string, body: object, headers: Record<string, string> = {}) =>
  post(`${url}/api/actions/${name}`, { token, headers, body: JSON.stringify(body) })
const isThere = async (id: string) => {
  const found = await (await app.as('ada')).records.events.get({ recordId: id })
  return found.success
}

describe('what an action declares as its output', () => {
  it('is all that is sent over REST, in the depths too', async () => {
    for (const name of ['write', 'read']) {
      const id = randomUUID()
      const { status, json } = await overRest(name, { id })
      expect({ status, json }).toEqual({ status: 200, json: { success: true, data: { ...SHAPED_JSON, id } } })
    }
  })

  it('is all that is sent over tRPC', async () => {
    const id = randomUUID()
    const body = JSON.stringify({ json: { id } })
    const wrote = await post(`${url}/trpc/actions.write`, { token, body })
    const read = await get(`${url}/trpc/actions.read?input=${encodeURIComponent(body)}`, { token })
    for (const { json } of [wrote, read])
      expect(json).toMatchObject({
        result: { data: { json: { success: true, data: { ...SHAPED_JSON, id } } } },
      })
    expect(`${wrote.text}${read.text}`).not.toMatch(/hunter2|bob@example/)
  })

  it('is all that is given in process, for an internal action as well', async () => {
    const id = randomUUID()
    const ada = await app.as('ada')
    expect(await ada.actions.write({ id })).toEqual(ok({ ...SHAPED, id }))
    expect(await ada.actions.read({ id })).toEqual(ok({ ...SHAPED, id }))
    const inside = app.actions.referred(actions.inside)
    if (!inside) throw new Error('The action is not there')
    const call = { source: 'command', userId: null, readInput: () => ({ id }) } as const
    expect(await callAsApp(app.engine, inside, call)).toEqual(ok({ ...SHAPED, id }))
  })

  it('is what a key has stored, and gives again', async () => {
    const id = randomUUID()
    const headers = { 'idempotency-key': randomUUID() }
    const first = await overRest('write', { id }, headers)
    const again = await overRest('write', { id }, headers)
    expect(again.json).toEqual({ success: true, data: { ...SHAPED_JSON, id } })
    expect([first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')]).toEqual([
      null,
      'true',
    ])
    const { rows } = await app.database.write({
      sql: "select count(*)::int from deputy.idempotency_results where result::text like '%hunter2%'",
      params: [],
    })
    expect(rows).toEqual([[0]])
  })

  it('is what a dry run shows', async () => {
    token = await app.token('owner')
    const { json } = await overRest('write', { id: randomUUID() }, { 'deputy-dry-run': 'true' })
    token = await app.token('ada')
    expect(json).toMatchObject({ data: { dryRun: { outcome: 'would commit', result: SHAPED_JSON } } })
    expect(JSON.stringify(json)).not.toMatch(/hunter2|bob@example/)
  })

  it('makes of what is returned what its transform makes', async () => {
    expect((await overRest('transformed', { id: 'x' })).json).toEqual(ok(AT.getTime()))
  })

  it('may be nothing', async () => {
    expect((await overRest('nothing', { id: 'x' })).text).toBe('{"success":true}')
  })

  it('does not touch a failure', async () => {
    expect((await overRest('fails', { id: 'x' })).status).toBe(404)
  })
})

describe('a result that its output does not fit', () => {
  it('is a 500 that shows nothing and keeps nothing, and the log names the place', async () => {
    const id = randomUUID()
    const { status, json, text } = await overRest('write', { id, bad: true })
    expect({ status, json }).toEqual({
      status: 500,
      json: {
        success: false,
        code: 'INTERNAL_SERVER_ERROR',
        error: INTERNAL_MESSAGE,
        details: { requestId: expect.any(String) },
      },
    })
    expect(text).not.toMatch(/guests|hunter2/)
    expect(await isThere(id)).toBe(false)
    const logged = app.logged.filter(({ msg }) => String(msg).includes('unexpected error')).at(-1)
    expect(logged).toMatchObject({
      err: {
        message: expect.stringContaining(
          'What action "write" returned does not fit its output schema: data.guests[0].name: ',
        ),
      },
    })
    expect(JSON.stringify(logged)).not.toContain('hunter2')
  })

  it('is a 500 of a query, and of a dry run', async () => {
    expect((await overRest('read', { id: 'x', bad: true })).status).toBe(500)
    const dry = await overRest('write', { id: randomUUID(), bad: true }, { 'deputy-dry-run': 'true' })
    expect(dry.status).toBe(500)
  })

  it('leaves its idempotency key free', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const id = randomUUID()
    expect((await overRest('slow', { id: 'bad' }, headers)).status).toBe(500)
    expect((await overRest('write', { id }, headers)).status).toBe(200)
  })

  it('is one where a z.strictObject meets a key that it does not know', async () => {
    const owner = await app.as('owner')
    expect(await owner.actions.strict({ id: 'x' })).toEqual(ok({ id: 'x' }))
    await expect(owner.actions.strict({ id: 'x', bad: true })).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
    })
  })

  it('is found by a rule that waits', async () => {
    expect((await overRest('slow', { id: 'good' })).json).toEqual(ok('good'))
    expect((await overRest('slow', { id: 'bad' })).status).toBe(500)
  })
})

describe('what a handler puts beside its result', () => {
  it.each(['fails', 'succeeds'] as const)(
    'is not sent where it %s, with a declared output or without',
    async (how) => {
      const beside = { stack: 'hunter2', secret: 'hunter2' }
      const result =
        how === 'fails' ? { ...fail('CONFLICT', 'No.'), data: 'hunter2' } : { ...ok({ id: 'x' }), code: 'x' }
      const returned = async () => ({ ...result, ...beside }) as never
      const own = actionRegistry({
        declared: action
          .input(input)
          .output(z.object({ id: z.string() }))
          .mutation(returned),
        undeclared: action.input(input).mutation(returned),
        read: action.input(input).query(returned),
      })
      await using other = await createTestApp({ actions: own })
      const otherUrl = await other.listen()
      const token = await other.token('ada')
      for (const name of Object.keys(own)) {
        const answer = await post(`${otherUrl}/api/actions/${name}`, { token, body: '{"id":"x"}' })
        expect(answer.json).toEqual(
          how === 'fails'
            ? { success: false, error: 'No.', code: 'CONFLICT' }
            : { success: true, data: { id: 'x' } },
        )
      }
    },
  )
})

describe('a declaration', () => {
  it.each([undefined, null, {}, 'text', { id: z.string() }])('refuses the output %j', (schema) => {
    expect(() => action.input(input).output(schema as z.ZodType)).toThrow(
      '.output takes a schema of zod, such as z.object({ recordId: z.string() })',
    )
  })

  it.each<[meta: object, message: string]>([
    [{ summary: '' }, 'meta.summary must be one line of text'],
    [{ summary: 'a\nb' }, 'meta.summary must be one line of text'],
    [{ summary: 'a'.repeat(121) }, 'meta.summary must be at most 120 characters; description takes more'],
    [{ description: ' ' }, 'meta.description must be text'],
    [{ deprecated: 'yes' }, 'meta.deprecated must be true or false'],
    [{ tags: 'a' }, 'meta.tags must be a list of text'],
    [{ tags: [''] }, 'meta.tags.0 must be one line of text'],
    [{ tags: ['a', 'a'] }, 'meta.tags must name no tag twice'],
  ])('refuses %j', (meta, message) => {
    expect(() => action.input(input).meta(meta)).toThrow(message)
  })

  it('may come before or after what is said of it', () => {
    const meta = { summary: 'Writes.', description: 'A *note*.', deprecated: true, tags: ['notes'] }
    expect(() => action.input(input).meta(meta).output(output)).not.toThrow()
    expect(() => action.input(input).output(output).meta(meta)).not.toThrow()
  })
})
