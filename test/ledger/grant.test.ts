import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getBalance } from '../../server/ledger/balance.ts'
import { type GrantRequest, grant } from '../../server/ledger/grant.ts'
import { grantOwnerCredits } from '../../server/ledger/owner-credits.ts'
import { amountSchema, MAX_MICRO_CREDITS } from '../../server/wire/amount.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'

// limits.md: amount

let opened: TestDatabase
beforeAll(async () => {
  // On the embedded database 50 calls at once wait for one connection.
  opened = await openTestDatabase({ acquireTimeoutMs: 30_000 })
})
afterAll(() => opened[Symbol.asyncDispose]())

const give = (request: Partial<GrantRequest> & Pick<GrantRequest, 'account'>) =>
  grant(opened.database, { amount: 1_000_000, key: randomUUID(), grantedBy: 'owner', ...request })

const rows = async (sql: string, ...params: unknown[]) => (await opened.database.query({ sql, params })).rows

/** Entries of an account, and what they add up to. */
async function entriesOf(account: string) {
  const [row] = await rows(
    'select count(*), coalesce(sum(available_delta), 0), coalesce(sum(reserved_delta), 0) from deputy.credit_entries where account = $1',
    account,
  )
  const [count, available, reserved] = (row ?? []).map(Number)
  return { count, available, reserved }
}

describe('a grant', () => {
  it('raises the balance and leaves an entry', async () => {
    const account = randomUUID()
    expect(await give({ account, amount: 5, key: 'first' })).toEqual({
      success: true,
      data: { account, available: 5, reserved: 0, granted: 5, isReplay: false },
    })
    expect(await give({ account, amount: 7 })).toMatchObject({ data: { available: 12, granted: 7 } })
    expect(await getBalance(opened.database, account)).toEqual({ account, available: 12, reserved: 0 })
    expect(await entriesOf(account)).toEqual({ count: 2, available: 12, reserved: 0 })
  })

  it('is answered as before when its key comes again, whatever has happened to the account since', async () => {
    const [account, key] = [randomUUID(), randomUUID()]
    await give({ account, amount: 1 })
    const first = await give({ account, amount: 5, key })
    await give({ account, amount: 7 })
    const again = await give({ account, amount: 5, key, grantedBy: null })
    expect(first).toMatchObject({ data: { available: 6, isReplay: false } })
    expect(again).toEqual({
      success: true,
      data: { account, available: 6, reserved: 0, granted: 5, isReplay: true },
    })
    expect(await entriesOf(account)).toEqual({ count: 3, available: 13, reserved: 0 })
  })

  it.each([
    ['amount', { amount: 6 }],
    ['account', { account: 'somebody-else' }],
  ])('of another %s under a used key is refused', async (_what, other) => {
    const [account, key] = [randomUUID(), randomUUID()]
    await give({ account, amount: 5, key })
    expect(await give({ account, amount: 5, key, ...other })).toMatchObject({
      success: false,
      code: 'UNPROCESSABLE_CONTENT',
    })
    expect(await entriesOf(account)).toMatchObject({ count: 1, available: 5 })
    expect(await entriesOf('somebody-else')).toMatchObject({ count: 0 })
  })

  // More than once: at first the pool still connects, and one connection is done before the others begin.
  it.each([1, 2, 3])('that is sent 50 times at once happens once (%i)', async () => {
    const [account, key] = [randomUUID(), randomUUID()]
    const answers = await Promise.all(Array.from({ length: 50 }, () => give({ account, amount: 5, key })))
    const data = answers.map((answer) => (answer.success ? answer.data : answer))
    expect(data.filter((one) => 'isReplay' in one && !one.isReplay)).toHaveLength(1)
    expect(new Set(data.map((one) => JSON.stringify({ ...one, isReplay: undefined })))).toEqual(
      new Set([JSON.stringify({ account, available: 5, reserved: 0, granted: 5 })]),
    )
    expect(await entriesOf(account)).toEqual({ count: 1, available: 5, reserved: 0 })
  })

  it('of one key to 20 accounts at once reaches one of them, and the others are refused', async () => {
    const [prefix, key] = [randomUUID(), randomUUID()]
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => give({ account: `${prefix}-${n}`, key })),
    )
    expect(answers.filter(({ success }) => success)).toHaveLength(1)
    expect(
      answers.filter((answer) => !answer.success && answer.code === 'UNPROCESSABLE_CONTENT'),
    ).toHaveLength(19)
    expect(
      await rows("select available from deputy.credit_accounts where account like $1 || '%'", prefix),
    ).toEqual([['1000000']])
  })

  it('with a key of its own is added to 49 others at once, and entries are numbered as the balance grew', async () => {
    const account = randomUUID()
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => give({ account, amount: n + 1 })))
    const byBalance = answers
      .map((answer) => (answer.success ? [answer.data.available, answer.data.granted] : []))
      .sort(([one = 0], [other = 0]) => one - other)
    const numbered = await rows(
      'select sum(available_delta) over (order by seq), available_delta from deputy.credit_entries where account = $1 order by seq',
      account,
    )
    expect(numbered.map((row) => row.map(Number))).toEqual(byBalance)
    expect(await getBalance(opened.database, account)).toMatchObject({ available: 1_275 })
  })
})

describe('an account', () => {
  it('holds the maximum and not one more', async () => {
    const account = randomUUID()
    expect(await give({ account, amount: MAX_MICRO_CREDITS })).toMatchObject({
      success: true,
      data: { available: MAX_MICRO_CREDITS },
    })
    expect(await give({ account, amount: 1 })).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      error: expect.stringContaining('grant less'),
      issues: [{ path: ['amount'] }],
    })
    expect(await entriesOf(account)).toMatchObject({ count: 1, available: MAX_MICRO_CREDITS })
  })

  it('keeps room for what is set aside and may come back', async () => {
    const account = randomUUID()
    await give({ account, amount: 10 })
    await execute(
      opened.database,
      opened.url,
      `update deputy.credit_accounts set available = 6, reserved = 4 where account = '${account}'`,
    )
    expect(await give({ account, amount: MAX_MICRO_CREDITS - 9 })).toMatchObject({ code: 'BAD_REQUEST' })
    expect(await give({ account, amount: MAX_MICRO_CREDITS - 10 })).toMatchObject({
      success: true,
      data: { available: MAX_MICRO_CREDITS - 4, reserved: 4 },
    })
  })
})

describe('an amount', () => {
  it.each([1, 1_000_000, 9e15])('may be %d', (amount) => {
    expect(amountSchema.parse(amount)).toBe(amount)
  })

  it.each([0, -0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 9e15 + 1, 1e16, 2 ** 53, '5', 5n, null])(
    'may not be %s, and is told what is right',
    (amount) => {
      const parsed = amountSchema.safeParse(amount)
      expect(parsed.error?.issues[0]?.message).toContain(
        'a whole number of micro-credits from 1 to 9000000000000000',
      )
    },
  )

  it('that got past the schema changes nothing', async () => {
    const account = randomUUID()
    for (const amount of [0, -1]) await expect(give({ account, amount })).rejects.toThrow('23514')
    await expect(give({ account, amount: 0.5 })).rejects.toThrow('22P02')
    expect(await rows('select 1 from deputy.credit_accounts where account = $1', account)).toEqual([])
  })
})

describe('an entry', () => {
  it.each([
    'update deputy.credit_entries set available_delta = 1',
    'update deputy.credit_entries set cost = 0 where false',
    'delete from deputy.credit_entries',
    'truncate deputy.credit_entries',
  ])('cannot be changed: %s', async (statement) => {
    const account = randomUUID()
    await give({ account, amount: 5 })
    await expect(execute(opened.database, opened.url, statement)).rejects.toThrow('append-only')
    expect(await entriesOf(account)).toMatchObject({ count: 1, available: 5 })
  })
})

describe('what the owner starts with', () => {
  const start = (ownerUserId: string, ownerCredits: number) =>
    grantOwnerCredits(opened.database, { ownerUserId, ownerCredits })

  it('is granted once, by whichever server starts first', async () => {
    const owner = randomUUID()
    const starts = await Promise.all(Array.from({ length: 10 }, () => start(owner, 500)))
    expect(new Set(starts.map((given) => JSON.stringify(given)))).toEqual(new Set(['{"granted":500}']))
    expect(await getBalance(opened.database, owner)).toMatchObject({ available: 500 })
  })

  it('is not changed by a later start with another number, nor by one without', async () => {
    const owner = randomUUID()
    expect(await start(owner, 0)).toEqual({ granted: 0 })
    expect(await start(owner, 500)).toEqual({ granted: 500 })
    expect(await start(owner, 900)).toEqual({ granted: 500 })
    expect(await start(owner, 0)).toEqual({ granted: 500 })
    expect(await entriesOf(owner)).toEqual({ count: 1, available: 500, reserved: 0 })
  })

  it('is each owner’s own, and a failure where the account cannot take it', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    await start(one, 500)
    expect(await start(other, 500)).toEqual({ granted: 500 })
    const full = randomUUID()
    await give({ account: full, amount: MAX_MICRO_CREDITS })
    expect(await start(full, 1)).toMatchObject({ code: 'BAD_REQUEST' })
  })
})
