import { randomUUID } from 'node:crypto'
import { TRPCError } from '@trpc/server'
import { actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ErrorCode, HTTP_STATUS, isErrorCode } from '../../server/core/errors.ts'
import { action, ownerAction, roleAction } from '../fixture/deputy.ts'
import { post } from '../http/send.ts'
import { startUpstream, type Upstream } from '../integrations/upstream.ts'
import { createTestApp } from '../support/test-app.ts'

const CODES = Object.keys(HTTP_STATUS).filter(isErrorCode)
const input = z.strictObject({ code: z.string(), how: z.enum(['returned', 'thrown']), tag: z.string() })
type Input = z.output<typeof input>

/** Fails as it is told to, with the details that failures of the engine's own have. */
function failAs({ code, how }: Input) {
  const known = code as ErrorCode // The table names every code.
  if (how === 'thrown') throw new TRPCError({ code: known, message: 'It was decided so.' })
  return fail(known, 'It was decided so.', { details: { outcome: 'unknown', retryAfterSeconds: 1 } })
}

const actions = actionRegistry({
  plain: action.input(input).mutation(async (call) => failAs(call.input)),
  plainQuery: action.input(input).query(async (call) => failAs(call.input)),
  afterWrite: action.input(input).mutation(async (call) => {
    await call.ctx.tools.create('events', { title: 'x', startsAt: call.ctx.now, capacity: 1 })
    return failAs(call.input)
  }),
  owners: ownerAction.input(input).mutation(async (call) => failAs(call.input)),
  ownersQuery: ownerAction.input(input).query(async (call) => failAs(call.input)),
  admins: roleAction('admin')
    .input(input)
    .mutation(async (call) => failAs(call.input)),
  paid: action.input(input).mutation(async (call) => {
    const paid = await call.ctx.tools.integration('bank/charge', { tag: call.input.tag })
    return paid.success ? failAs(call.input) : paid
  }),
  read: action.input(z.strictObject({})).query(async () => ok('read')),
})

let bank: Upstream
const open = () => createTestApp({ actions, apiWorkerUrl: bank.url })
let app: Awaited<ReturnType<typeof open>>
let url: string
beforeAll(async () => {
  bank = await startUpstream()
  app = await open()
  url = await app.listen()
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await bank[Symbol.asyncDispose]()
})

const TRANSPORTS = ['rest', 'trpc', 'caller'] as const
type Transport = (typeof TRANSPORTS)[number]
type Name = Exclude<keyof typeof actions, 'read'>

async function call(user: string, transport: Transport, name: Name, given: Input, key?: string) {
  const token = await app.token(user)
  if (transport === 'caller') {
    const caller = app.createCaller({ token, ...(key === undefined ? {} : { idempotencyKey: key }) })
    await caller.actions[name](given).catch(() => {})
    return
  }
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  const body = JSON.stringify(given)
  if (transport === 'rest') await post(`${url}/api/actions/${name}`, { token, headers, body })
  else if (name.endsWith('Query')) {
    const query = encodeURIComponent(JSON.stringify({ json: given }))
    await fetch(`${url}/trpc/actions.${name}?input=${query}`, {
      headers: { authorization: `Bearer ${token}` },
    })
  } else await post(`${url}/trpc/actions.${name}`, { token, headers, body: `{"json":${body}}` })
}

/** `action outcome payers` of the rows whose input has this tag, or that have no input. */
async function rowsOf(user: string, tag: string): Promise<string[]> {
  const { rows } = await app.database.query({
    sql: `select action || ' ' || outcome || ' ' || payers::text from deputy.audit_log as log
      left join deputy.audit_detail as detail using (id)
      where log.actor = $1 and (detail.input is null or position($2 in detail.input) > 0) order by 1`,
    params: [user, tag],
  })
  return rows.map(([text]) => String(text))
}

const NAMES = ['plain', 'plainQuery', 'afterWrite', 'owners', 'ownersQuery', 'admins', 'paid'] as const

describe.each(TRANSPORTS)('over %s, a call leaves its row, whatever code an action', (transport) => {
  it.each(['returned', 'thrown'] as const)('%s', async (how) => {
    const tag = randomUUID()
    const expected: string[] = []
    for (const code of CODES) {
      for (const name of NAMES) {
        await call('owner', transport, name, { code, how, tag })
        expected.push(`${name} ${code} ${name === 'paid' ? '{owner}' : '{}'}`)
      }
    }
    expect(await rowsOf('owner', tag)).toEqual(expected.sort())
  })

  it.each(['owners', 'ownersQuery', 'admins'] as const)('would give that was denied: %s', async (name) => {
    const user = randomUUID()
    await call(user, transport, name, { code: 'SERVICE_UNAVAILABLE', how: 'returned', tag: user })
    expect(await rowsOf(user, user)).toEqual([`${name} FORBIDDEN {}`])
  })
})

it('a read leaves none', async () => {
  const user = randomUUID()
  expect(await (await app.as(user)).actions.read({})).toEqual(ok('read'))
  expect(await rowsOf(user, user)).toEqual([])
})

describe.each(CODES)('the key of a call that fails with %s', (code) => {
  const keysOf = async (user: string) => {
    const { rows } = await app.database.query({
      sql: `select (select count(*)::int from deputy.idempotency_claims where actor = $1),
        (select count(*)::int from deputy.journal_steps where actor = $1)`,
      params: [user],
    })
    return rows[0]
  }

  it.each(['returned', 'thrown'] as const)(
    'is given back where nothing was done outside: %s',
    async (how) => {
      const user = randomUUID()
      await call(user, 'rest', 'afterWrite', { code, how, tag: user }, 'k')
      expect(await keysOf(user)).toEqual([0, 0])
    },
  )

  it.each(['returned', 'thrown'] as const)('keeps the journal of what was done outside: %s', async (how) => {
    const user = randomUUID()
    for (const _sending of [1, 2]) await call(user, 'rest', 'paid', { code, how, tag: user }, 'k')
    expect(await keysOf(user)).toEqual([1, 1])
    expect(bank.calls('bank/charge').filter(({ body }) => JSON.stringify(body).includes(user))).toHaveLength(
      1,
    )
  })
})
