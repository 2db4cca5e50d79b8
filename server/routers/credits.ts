import { z } from 'zod'
import type { UserActor } from '../auth/actor.ts'
import { isUserId, USER_ID_RULE } from '../auth/user-id.ts'
import { ownerOnly } from '../builders/gate.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import { ConnectionLost } from '../db/database.ts'
import { outcomeUnknown } from '../invocation/failures.ts'
import { thrown } from '../invocation/thrown.ts'
import { amountSchema } from '../ledger/amount.ts'
import { type Balance, getBalance } from '../ledger/balance.ts'
import { type Granted, grant } from '../ledger/grant.ts'
import { getStatement, MAX_STATEMENT_LIMIT, type StatementPage } from '../ledger/statement.ts'
import { DirectReads } from '../trpc/direct-reads.ts'
import { t } from '../trpc/init.ts'
import { type InvokedContext, invoked, noteSent, withInput } from '../trpc/invoked.ts'
import { parserOf, refuseUnacceptable, userProcedure } from '../trpc/procedure.ts'
import type { CalledContext } from '../trpc/run-as-caller.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_RULE } from '../wire/idempotency-key.ts'
import { pageFields } from '../wire/page-input.ts'

const account = z.string('must be text').refine(isUserId, `must be a user's id: ${USER_ID_RULE}`)

const schemas = {
  balance: z.strictObject({
    /** A user's id. @default the caller's */
    account: account.optional(),
  }),
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

type Called = CalledContext<UserActor>

/** Accounts of credits: everybody's own, and all of them for the owner. */
export function createCreditsRouter() {
  const reading = userProcedure.use(async ({ getRawInput, next }) => {
    refuseUnacceptable(await getRawInput())
    return next()
  })
  const granting = userProcedure
    .use(invoked({ readOnly: false, isAudited: true }))
    .use(async ({ ctx, getRawInput, next }) => {
      const refusal = await ownerOnly(ctx, ctx.actor)
      if (refusal) throw thrown(refusal)
      noteSent(ctx.invocation, await getRawInput())
      return next()
    })
  return t.router({
    balance: reading
      .input(parserOf(schemas.balance.optional()))
      .query(({ ctx, input }) => balance(ctx, accountOf(ctx, input?.account))),
    statement: reading
      .input(parserOf(schemas.statement.optional()))
      .query(({ ctx, input }): Promise<ActionResult<StatementPage>> => {
        const query = { ...input, account: accountOf(ctx, input?.account) }
        return direct(ctx, 'credits.statement', () => getStatement(ctx.engine.database, query))
      }),
    grant: granting.input(parserOf(schemas.grant)).mutation(({ ctx, input }) => grantOnce(ctx, input)),
  })
}

/** Whose account is meant. @throws {TRPCError} FORBIDDEN when it is not for the caller to see. */
function accountOf({ engine, actor }: Called, named: string | undefined): string {
  const isOwner = engine.ownerUserId !== undefined && actor.userId === engine.ownerUserId
  if (named === undefined || named === actor.userId || isOwner) return named ?? actor.userId
  throw thrown(fail('FORBIDDEN', "Only the app's owner may see another account than their own."))
}

function balance(ctx: Called, account: string): Promise<ActionResult<ShownBalance>> {
  const { database, ownerUserId, isOwnerUnmetered } = ctx.engine
  const isUnmetered = isOwnerUnmetered && account === ownerUserId
  return direct(ctx, 'credits.balance', async () =>
    ok({ ...(await getBalance(database, account)), ...(isUnmetered ? { unmetered: true } : {}) }),
  )
}

async function grantOnce(
  ctx: Called & InvokedContext,
  input: z.output<typeof schemas.grant>,
): Promise<ActionResult<Omit<Granted, 'isReplay'>>> {
  const invocation = withInput(ctx.invocation, input, schemas.grant)
  const request = { ...input, key: usableKey(invocation.key), grantedBy: ctx.actor.userId }
  invocation.attempts = 1
  const result = await direct(ctx, 'credits.grant', () =>
    grant(ctx.engine.database, request).catch((error: unknown) => {
      if (error instanceof ConnectionLost) return outcomeUnknown(invocation)
      throw error
    }),
  )
  if (!result.success) {
    // What is wrong with a key is thrown, as it is for every other call.
    if (result.code === 'UNPROCESSABLE_CONTENT') throw thrown(result)
    return result
  }
  const { isReplay, ...granted } = result.data
  invocation.isReplay = isReplay
  return ok(granted)
}

/** A grant that could not be repeated safely might be made twice. @throws {TRPCError} */
function usableKey(key: string | undefined): string {
  if (key !== undefined && IDEMPOTENCY_KEY.test(key)) return key
  const problem = key === undefined ? 'A grant needs an Idempotency-Key' : 'This is no Idempotency-Key'
  throw thrown(fail('BAD_REQUEST', `${problem}: ${IDEMPOTENCY_KEY_RULE}; the same key grants once.`))
}

/** Runs single statements, and answers with a failure what the database refuses. */
function direct<T>(
  { engine, requestId }: Called,
  name: string,
  body: () => Promise<ActionResult<T>>,
): Promise<ActionResult<T>> {
  return new DirectReads(engine, requestId).call(name, undefined, false, body)
}
