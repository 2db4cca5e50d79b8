import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertAudit } from '../support/audit-rows.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { get, post } from './send.ts'

const HOUR_MS = 3_600_000
const detail = { input: '{"title":"Launch"}', ip: '203.0.113.7' }
const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS)

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const rows = async (sql: string, ...params: unknown[]) => (await app.database.query({ sql, params })).rows

async function send(path: string, input: unknown, user?: string) {
  const token = user === undefined ? {} : { token: await app.token(user) }
  return post(`${url}/api/audit/${path}`, { ...token, body: JSON.stringify(input) })
}

describe('removing from the audit log through a server', () => {
  it('is for the embedded database: a PostgreSQL has the command, and a role for it', async () => {
    await insertAudit(app.database, app.databaseUrl, [
      { id: 'older', at: ago(50).toISOString(), detail },
      { id: 'younger', at: ago(3).toISOString(), actor: 'bill', detail },
    ])
    const pruned = await send('prune', { before: ago(40).toISOString() }, 'owner')
    const erased = await send('erase', { userId: 'bill' }, 'owner')
    const left = await rows(`select id from deputy.audit_log where id in ('older', 'younger') order by id`)
    const details = await rows(`select id from deputy.audit_detail where id in ('older', 'younger')`)
    if (app.database.kind === 'pglite') {
      expect(pruned).toMatchObject({
        status: 200,
        json: { success: true, data: { entries: 1, details: 1, isDone: true } },
      })
      expect(erased.json).toEqual({ success: true, data: { entries: 0, details: 1, isDone: true } })
      expect([left, details]).toEqual([[['younger']], []])
    } else {
      for (const [answer, command] of [
        [pruned, 'deputy audit prune'],
        [erased, 'deputy audit erase'],
      ] as const) {
        expect(answer).toMatchObject({
          status: 412,
          json: { code: 'PRECONDITION_FAILED', error: expect.stringContaining(command) },
        })
      }
      expect([left.length, details.length]).toEqual([2, 2])
    }
  })

  it('leaves an entry of the call, and one of what it removed', async () => {
    const key = { idempotencyKey: 'prune-once' }
    const owner = app.createCaller({ token: await app.token('owner'), ...key })
    const before = ago(30 * 24)
    const first = await owner.audit.prune({ before })
    expect(await owner.audit.prune({ before })).toEqual(first)
    const found = await rows(
      `select log.actor, log.transport, log.outcome from deputy.audit_log as log join deputy.audit_detail as detail using (id)
       where log.action = 'audit.prune' and detail.input like $1 order by log.actor nulls first`,
      `%${before.toISOString()}%`,
    )
    expect(found).toEqual(
      app.database.kind === 'pglite'
        ? [
            [null, 'command', 'OK'],
            ['owner', 'caller', 'OK'],
          ]
        : [
            ['owner', 'caller', 'PRECONDITION_FAILED'],
            ['owner', 'caller', 'PRECONDITION_FAILED'],
          ],
    )
  })

  it.each(['prune', 'erase'] as const)('by %s is the owner’s alone', async (verb) => {
    const input = { prune: { before: ago(2) }, erase: { userId: 'ada' } }[verb]
    const admin = await app.as('removal-admin', { name: 'Admin' })
    await admin.users.register()
    await (await app.as('owner')).users.setRole({ userId: 'removal-admin', role: 'admin' })
    expect((await send(verb, input)).status).toBe(401)
    for (const user of ['ada', 'removal-admin']) {
      expect(await send(verb, input, user)).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } })
      // Who may not remove is not told what would have been right.
      expect((await send(verb, { nonsense: 1 }, user)).status).toBe(403)
      const denied = await rows(
        `select 1 from deputy.audit_log where actor = $1 and action = $2 and outcome = 'FORBIDDEN'`,
        user,
        `audit.${verb}`,
      )
      expect(denied).toHaveLength(2)
    }
    const wrong = await get(`${url}/api/audit/${verb}`, { token: await app.token('owner') })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it.each([
    ['prune', { before: ago(0.9) }, 'at least an hour ago'],
    ['prune', { before: 'yesterday' }, 'before'],
    ['prune', {}, 'before'],
    ['erase', { userId: '' }, 'userId'],
    ['erase', { user: 'ada' }, '"user"'],
  ])('by %s of %j is 400 and removes nothing', async (verb, input, said) => {
    const count = async () => Number((await rows('select count(*)::int from deputy.audit_log'))[0]?.[0])
    const before = await count()
    expect(await send(verb, input, 'owner')).toMatchObject({
      status: 400,
      json: { code: 'BAD_REQUEST', error: expect.stringContaining(said) },
    })
    expect(await count()).toBe(before + 1)
  })
})

describe('the balances of all accounts', () => {
  it('come in pages, by account, for the owner alone', async () => {
    const { credits } = await app.as('owner')
    const accounts = ['pages-a', 'pages-b', 'pages-c']
    for (const account of accounts) {
      const caller = app.createCaller({ token: await app.token('owner'), idempotencyKey: `key-${account}` })
      expect(await caller.credits.grant({ account, amount: 7 })).toMatchObject({ success: true })
    }
    const seen: string[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await credits.balances({ limit: 2, cursor })
      if (!page.success) throw new Error(page.error)
      expect(page.data.balances.length).toBeLessThanOrEqual(2)
      seen.push(...page.data.balances.map(({ account }) => account))
      cursor = page.data.nextCursor
    }
    expect(seen).toEqual([...seen].sort())
    expect(seen).toEqual(expect.arrayContaining(accounts))
    const rest = await get(`${url}/api/credits/balances?limit=200`, { token: await app.token('owner') })
    expect(rest.json).toMatchObject({ success: true, data: { nextCursor: null } })
    expect(rest.text).toContain('{"account":"pages-b","available":7,"reserved":0}')
    const forged = await get(`${url}/api/credits/balances?cursor=x`, { token: await app.token('owner') })
    expect(forged).toMatchObject({ status: 400, json: { issues: [{ path: ['cursor'] }] } })
    expect((await get(`${url}/api/credits/balances`)).status).toBe(401)
    const ada = await get(`${url}/api/credits/balances`, { token: await app.token('ada') })
    expect(ada).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } })
  })
})
