import type { Database } from '../db/database.ts'

/** An account's credits, in whole micro-credits. */
export interface Balance {
  /** A user's id. */
  readonly account: string
  /** What can be spent. */
  readonly available: number
  /** Reserved for calls whose cost is not known yet. */
  readonly reserved: number
}

const PAGE = 1_000
const BALANCE = 'select available, reserved from deputy.credit_accounts where account = $1'
const BALANCES = `
  select account, available, reserved from deputy.credit_accounts where account > $1 order by account limit ${PAGE}`

/** Reads an account's balance, 0 for an account without a grant. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function getBalance(database: Database, account: string): Promise<Balance> {
  const { rows } = await database.query({ sql: BALANCE, params: [account] })
  const [available = 0, reserved = 0] = rows[0]?.map(Number) ?? []
  return { account, available, reserved }
}

/** Lists every account, by name, for a command that has the database itself. */
export async function* listBalances(database: Database): AsyncGenerator<Balance, void> {
  for (let after = ''; ; ) {
    const { rows } = await database.query({ sql: BALANCES, params: [after] })
    for (const [account, available, reserved] of rows) {
      after = String(account)
      yield { account: after, available: Number(available), reserved: Number(reserved) }
    }
    if (rows.length < PAGE) return
  }
}
