import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { getBalance, listBalances } from '../../server/ledger/balance.ts'
import { grant } from '../../server/ledger/grant.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'

let opened: TestDatabase
beforeAll(async () => {
  opened = await openTestDatabase()
})
afterAll(() => opened[Symbol.asyncDispose]())

it('an account that nobody has granted anything has nothing, and is no row', async () => {
  const account = randomUUID()
  expect(await getBalance(opened.database, account)).toEqual({ account, available: 0, reserved: 0 })
  const { rows } = await opened.database.query({
    sql: 'select 1 from deputy.credit_accounts where account = $1',
    params: [account],
  })
  expect(rows).toEqual([])
})

it('an account is found by its whole name, whatever is in it', async () => {
  const names = ['ada', 'Ada', 'a%', "a'; drop table deputy.credit_accounts; --", 'constructor', 'ä', 'a b']
  for (const [n, account] of names.entries())
    await grant(opened.database, { account, amount: n + 1, key: randomUUID(), grantedBy: null })
  for (const [n, account] of names.entries())
    expect(await getBalance(opened.database, account)).toEqual({ account, available: n + 1, reserved: 0 })
})

it('all accounts are listed once, over as many pages as it takes', async () => {
  await execute(
    opened.database,
    opened.url,
    "insert into deputy.credit_accounts select 'listed-' || n, n, 1 from generate_series(1, 2000) as n",
  )
  const listed = new Map<string, number>()
  let lines = 0
  for await (const { account, available, reserved } of listBalances(opened.database)) {
    listed.set(account, available + reserved)
    lines += 1
  }
  expect(lines).toBe(listed.size)
  const added = [...listed].filter(([account]) => account.startsWith('listed-'))
  expect(added).toHaveLength(2_000)
  expect(added.reduce((sum, [, credits]) => sum + credits, 0)).toBe(2_001_000 + 2_000)
})
