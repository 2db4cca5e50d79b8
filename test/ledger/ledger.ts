import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Database } from '../../server/db/database.ts'

/** Gives an account credits, as a grant does. */
export async function fund(database: Database, account: string, amount: number): Promise<void> {
  await database.write({
    sql: `with granted as (
        insert into deputy.credit_entries (account, kind, available_delta, reserved_delta, grant_key)
        values ($1, 'grant', $2::bigint, 0, $3))
      insert into deputy.credit_accounts as it (account, available, reserved) values ($1, $2::bigint, 0)
      on conflict (account) do update set available = it.available + excluded.available`,
    params: [account, amount, randomUUID()],
  })
}

export async function accountOf(database: Database, account: string) {
  const { rows } = await database.query({
    sql: 'select available, reserved from deputy.credit_accounts where account = $1',
    params: [account],
  })
  const [available = 0, reserved = 0] = (rows[0] ?? []).map(Number)
  return { available, reserved }
}

/** What must hold of the ledger at every moment: entries sum to balances, and nothing is below zero. */
export async function checkLedger(database: Database): Promise<void> {
  const { rows } = await database.query({
    sql: `select account, available, reserved,
        coalesce((select sum(available_delta) from deputy.credit_entries as it where it.account = credit_accounts.account), 0),
        coalesce((select sum(reserved_delta) from deputy.credit_entries as it where it.account = credit_accounts.account), 0),
        coalesce((select sum(amount) from deputy.credit_holds as it
          where it.account = credit_accounts.account and it.is_metered), 0)
      from deputy.credit_accounts`,
    params: [],
  })
  for (const [account, ...amounts] of rows) {
    const [available = -1, reserved = -1, allAvailable, allReserved, held] = amounts.map(Number)
    expect({ account, available, reserved, held }).toEqual({
      account,
      available: allAvailable,
      reserved: allReserved,
      held: reserved,
    })
    expect(Math.min(available, reserved)).toBeGreaterThanOrEqual(0)
  }
}
