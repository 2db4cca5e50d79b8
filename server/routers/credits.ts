import { z } from 'zod'
import { isUserId, USER_ID_RULE, type UserActor } from '../auth/actor.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import { ConnectionLost } from '../db/database.ts'
import { outcomeUnknown, toTrpcError } from '../invocation/failures.ts'
import { getStatement, MAX_STATEMENT_LIMIT } from '../ledger/account-statement.ts'
import { type Balance, getBalance, getBalances, MAX_BALANCES_LIMIT } from '../ledger/balance.ts'
import { budgetUseSchema, listBudgetUses } from '../ledger/budget-uses.ts'
import { type GrantResult, grant } from '../ledger/grant.ts'
import { spendingSchema, sumSpending } from '../ledger/spending.ts'
import type { AcceptedCall } from '../trpc/call.ts'
import { defineMutation, defineQuery } from '../trpc/callable.ts'
import { ownerOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly } from '../trpc/run-as-caller.ts'
import { amountSchema } from '../wire/amount.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { pageFields } from '../wire/page-input.ts'

const account = z.string('must be text').refine(isUserId, `must be a user's id: ${USER_ID_RULE}`)

const schemas = {
  balance: z.strictObject({
    /** A user's id. @default the caller's */
    account: account.optional(),
  }),
  balances: z.strictObject(pageFields(MAX_BALANCES_LIMIT)),
  statement: z.strictObject({
    /** A user's id. @default the caller's */
    account: account.optional(),
    ...pageFields(MAX_STATEMENT_LIMIT),
  }),
  grant: z.strictObject({ account, amount: amountSchema }),
}

/** What an account has, in whole micro-credits. */
export interface ShownBalance extends Balance {
  /** The owner's account has no limit: what it spends is noted, and nothing is charged. */
  readonly unmetered?: true
}

type Called = AcceptedCall<UserActor, unknown>

/** Accounts of credits: everyone's own, and all of them for the owner. */
export function createCreditsRouter() {
  return t.router({
    balance: defineQuery({
      callers: users,
      schema: schemas.balance.optional(),
      trail: 'none',
      run: (call) => balance(call, accountOf(call, call.input?.account)),
    }),
    balances: defineQuery({
      callers: users,
      gate: ownerOnly,
      schema: schemas.balances.optional(),
      trail: 'none',
      run: (call) =>
        readDirectly(call, 'credits.balances', () => getBalances(call.engine.database, call.input ?? {})),
    }),
    statement: defineQuery({
      callers: users,
      schema: schemas.statement.optional(),
      trail: 'none',
      run(call) {
        const query = { ...call.input, account: accountOf(call, call.input?.account) }
        return readDirectly(call, 'credits.statement', () => getStatement(call.engine.database, query))
      },
    }),
    budgets: defineQuery({
      callers: users,
      gate: ownerOnly,
      schema: budgetUseSchema.optional(),
      trail: 'none',
      run: (call) =>
        readDirectly(call, 'credits.budgets', () => listBudgetUses(call.engine.database, call.input ?? {})),
    }),
    spending: defineQuery({
      callers: users,
      gate: ownerOnly,
      schema: spendingSchema,
      trail: 'none',
      run: (call) =>
        readDirectly(call, 'credits.spending', () =>
          sumSpending(call.engine.database, call.engine.clock(), call.input),
        ),
    }),
    grant: defineMutation({
      callers: users,
      gate: ownerOnly,
      schema: schemas.grant,
      trail: 'always',
      run: grantOnce,
    }),
  })
}

/** Whose account is meant. @throws {TRPCError} FORBIDDEN when it is not for the caller to see. */
function accountOf({ engine, actor }: Called, named: string | undefined): string {
  const isOwner = engine.ownerUserId !== undefined && actor.userId === engine.ownerUserId
  if (named === undefined || named === actor.userId || isOwner) return named ?? actor.userId
  throw toTrpcError(fail('FORBIDDEN', "Only the app's owner may see another account than their own."))
}

function balance(call: Called, account: string): Promise<ActionResult<ShownBalance>> {
  const { database, ownerUserId, isOwnerUnmetered } = call.engine
  const isUnmetered = isOwnerUnmetered && account === ownerUserId
  return readDirectly(call, 'credits.balance', async () =>
    ok({ ...(await getBalance(database, account)), ...(isUnmetered ? { unmetered: true } : {}) }),
  )
}

async function grantOnce(
  call: AcceptedCall<UserActor, z.output<typeof schemas.grant>>,
): Promise<ActionResult<Omit<GrantResult, 'isReplay'>>> {
  const { engine, actor, input, invocation, record } = call
  const request = { ...input, key: usableKey(invocation.key), grantedBy: actor.userId }
  record.attempt(1)
  const result = await readDirectly(call, 'credits.grant', () =>
    grant(engine.database, request).catch((error: unknown) => {
      if (error instanceof ConnectionLost) return outcomeUnknown(invocation)
      throw error
    }),
  )
  if (!result.success) {
    // What is wrong with a key is thrown, as it is for every other call.
    if (result.code === 'UNPROCESSABLE_CONTENT') throw toTrpcError(result)
    return result
  }
  const { isReplay, ...granted } = result.data
  if (isReplay) record.replay()
  return ok(granted)
}

/** A grant that could not be repeated safely might be made twice. @throws {TRPCError} */
function usableKey(key: string | undefined): string {
  if (key !== undefined && IDEMPOTENCY_KEY.test(key)) return key
  const problem = key === undefined ? 'A grant needs an Idempotency-Key' : 'This is no Idempotency-Key'
  throw toTrpcError(fail('BAD_REQUEST', `${problem}: ${IDEMPOTENCY_KEY_RULE}; the same key grants once.`))
}
