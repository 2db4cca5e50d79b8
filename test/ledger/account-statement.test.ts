import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getStatement, listStatement } from '../../server/ledger/account-statement.ts'
import { grant } from '../../server/ledger/grant.ts'
import { encodeCursor } from '../../server/wire/cursor.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'

const GRANTS = 7
let opened: TestDatabase
beforeAll(async () => {
  opened = await openTestDatabase()
  for (let n = 1; n <= GRANTS; n += 1) {
    for (const account of ['ada', 'bill'])
      await grant(opened.database, { account, amount: n, key: `${account}-${n}`, grantedBy: 'owner' })
  }
})
afterAll(() => opened[Symbol.asyncDispose]())

async function pageOf(account: string, query: { limit?: number; cursor?: string | undefined } = {}) {
  const page = await getStatement(opened.database, { account, ...query })
  if (!page.success) throw new Error(page.error)
  return page.data
}

const keysOf = ({ entries }: Awaited<ReturnType<typeof pageOf>>) => entries.map(({ grantKey }) => grantKey)
const NEWEST_FIRST = Array.from({ length: GRANTS }, (_, n) => `ada-${GRANTS - n}`)

describe('a statement', () => {
  it('tells of an account’s entries and of no other’s, newest first', async () => {
    const page = await pageOf('ada')
    expect(keysOf(page)).toEqual(NEWEST_FIRST)
    expect(page).toMatchObject({ account: 'ada', nextCursor: null })
    expect(await pageOf('nobody')).toEqual({ account: 'nobody', entries: [], nextCursor: null })
  })

  it('tells everything about a grant', async () => {
    const { entries } = await pageOf('ada', { limit: 1 })
    expect(entries).toEqual([
      {
        seq: expect.any(Number),
        at: expect.any(Date),
        kind: 'grant',
        availableDelta: GRANTS,
        reservedDelta: 0,
        cost: 0,
        endpoint: null,
        action: null,
        payer: null,
        caller: null,
        transport: null,
        outcome: null,
        durationMs: null,
        invocation: null,
        grantKey: `ada-${GRANTS}`,
        grantedBy: 'owner',
      },
    ])
  })

  it('tells everything about a call that was paid', async () => {
    await execute(
      opened.database,
      opened.url,
      `insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, cost, hold, effect, payer, caller,
         action, invocation, endpoint, transport, outcome, duration_ms)
       values ('carol', 'settle', 8999999999999998, -8999999999999999, 1, 'hold', 'effect', 'caller', 'carol',
         'translateTitle', 'invocation', 'libretranslate/translate', 'direct', 'unknown', 250)`,
    )
    const { entries } = await pageOf('carol')
    expect(entries).toEqual([
      {
        seq: expect.any(Number),
        at: expect.any(Date),
        kind: 'settle',
        availableDelta: 8_999_999_999_999_998,
        reservedDelta: -8_999_999_999_999_999,
        cost: 1,
        endpoint: 'libretranslate/translate',
        action: 'translateTitle',
        payer: 'caller',
        caller: 'carol',
        transport: 'direct',
        outcome: 'unknown',
        durationMs: 250,
        invocation: 'invocation',
        grantKey: null,
        grantedBy: null,
      },
    ])
  })

  it.each([1, 2, 3, 6, 7])('comes in pages of %i that hold every entry once', async (limit) => {
    const keys: (string | null)[] = []
    let cursor: string | undefined
    do {
      const page = await pageOf('ada', { limit, cursor })
      expect(page.entries.length).toBeLessThanOrEqual(limit)
      keys.push(...keysOf(page))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined && keys.length <= GRANTS)
    expect(keys).toEqual(NEWEST_FIRST)
  })

  it('goes on where a page ended, whatever came in meanwhile', async () => {
    const account = 'dora'
    const give = (key: string) => grant(opened.database, { account, amount: 1, key, grantedBy: null })
    for (const key of ['d1', 'd2', 'd3']) await give(key)
    const first = await pageOf(account, { limit: 2 })
    await give('d4')
    expect(keysOf(first)).toEqual(['d3', 'd2'])
    expect(keysOf(await pageOf(account, { limit: 2, cursor: first.nextCursor ?? '' }))).toEqual(['d1'])
  })

  it('is listed over as many pages as it takes', async () => {
    await execute(
      opened.database,
      opened.url,
      `insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, grant_key)
       select 'erik', 'grant', n, 0, 'erik-' || n from generate_series(1, 450) as n`,
    )
    const listed = async (limit: number) => {
      const amounts: number[] = []
      for await (const entry of listStatement(opened.database, { account: 'erik', limit }))
        amounts.push(entry.availableDelta)
      return amounts
    }
    expect(await listed(10_000)).toEqual(Array.from({ length: 450 }, (_, n) => 450 - n))
    expect(await listed(250)).toEqual(Array.from({ length: 250 }, (_, n) => 450 - n))
  })
})

describe('a cursor of a statement', () => {
  const cursorOf = (account: string, ...position: readonly number[]) =>
    encodeCursor({ list: 'credits', filters: { account } }, position)
  const good = cursorOf('ada', 5)
  const parts: readonly unknown[] = JSON.parse(Buffer.from(good, 'base64url').toString())
  const changed = (index: number, value: unknown) =>
    Buffer.from(JSON.stringify(parts.with(index, value))).toString('base64url')

  it('is taken with its account', async () => {
    expect((await getStatement(opened.database, { account: 'ada', cursor: good })).success).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['no base64url', `${good}=`],
    ['no JSON', 'AAAA'],
    ['something behind it', `${good}AAAA`],
    ['another version', changed(0, 2)],
    ['another kind', changed(1, 'audit')],
    ['another hash', changed(2, 'x')],
    ['another number', changed(3, 6)],
    ['a number that is text', changed(3, '5')],
    ['a fraction', cursorOf('ada', 5.5)],
    ['more parts', cursorOf('ada', 5, 1)],
    ['another account', cursorOf('bill', 5)],
  ])('with %s is refused', async (_what, cursor) => {
    expect(await getStatement(opened.database, { account: 'ada', cursor })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path: ['cursor'] }],
    })
  })
})
