import { randomUUID } from 'node:crypto'
import { type ActionResult, actionRegistry } from 'deputyjs'
import { expect } from 'vitest'
import { z } from 'zod'
import { type ActionContext, action } from '../fixture/deputy.ts'
import { post } from '../http/send.ts'
import { startUpstream } from '../integrations/upstream.ts'
import { execute } from '../support/execute.ts'
import { createTestApp, type TestAppOptions } from '../support/test-app.ts'
import { accountOf, checkLedger, fund } from './ledger.ts'
import { marketEnv, marketIntegrations, openStalls, timesAsked } from './market.ts'

export type Handler = (ctx: ActionContext) => Promise<ActionResult<unknown>>

export interface Act {
  /** @default 'ada' */
  readonly user?: string
  /** The idempotency key. */
  readonly key?: string
  /** Names the handler in the action's input. @default one of its own */
  readonly id?: string
  /** @default 'caller' */
  readonly over?: 'caller' | 'rest' | 'trpc'
}

type Options = Pick<
  TestAppOptions<never, never>,
  'budgets' | 'failpoint' | 'isOwnerUnmetered' | 'ownerUserId' | 'pool' | 'ownerJwt'
>

/** An app whose one action does what each test says, and a real provider that it buys from. */
export async function openMarket(options: Options = {}) {
  const provider = await startUpstream()
  openStalls(provider)
  const handlers = new Map<string, Handler>()
  const input = z.strictObject({ id: z.string(), password: z.string().meta({ secret: true }).optional() })
  const actions = actionRegistry({
    act: action.input(input).mutation(({ ctx, input }) => {
      const handler = handlers.get(input.id)
      if (!handler) throw new Error(`No handler ${input.id}`)
      return handler(ctx)
    }),
  })
  const app = await createTestApp({
    actions,
    integrations: marketIntegrations,
    integrationEnv: marketEnv(provider.url),
    apiWorkerUrl: provider.url,
    ...options,
  })
  const { database } = app
  const rows = async (sql: string, ...params: readonly unknown[]) =>
    (await database.query({ sql, params })).rows
  return {
    app,
    provider,
    rows,
    change: (text: string) => execute(database, app.databaseUrl, text),
    /** Calls the action. @returns what it answered; over HTTP, the body of the answer */
    async act(handler: Handler, { user = 'ada', key, id = randomUUID(), over = 'caller' }: Act = {}) {
      handlers.set(id, handler)
      const token = await app.token(user)
      if (over === 'caller')
        return app
          .createCaller({ token, ...(key === undefined ? {} : { idempotencyKey: key }) })
          .actions.act({ id })
      const url = `${await app.listen()}/${over === 'rest' ? 'api/actions/act' : 'trpc/actions.act'}`
      const headers = key === undefined ? {} : { 'idempotency-key': key }
      const answer = await post(url, {
        token,
        headers,
        body: JSON.stringify(over === 'rest' ? { id } : { json: { id } }),
      })
      return answer.json
    },
    fund: (account: string, amount: number) => fund(database, account, amount),
    balance: (account: string) => accountOf(database, account),
    timesAsked: (id: string) => timesAsked(provider, id),
    /** What became of an account's calls, oldest first: `[kind, cost, outcome]`. */
    async closings(account: string) {
      const found = await rows(
        `select kind, cost, outcome from deputy.credit_entries where account = $1 and kind in ('settle', 'refund') order by seq`,
        account,
      )
      return found.map(([kind, cost, outcome]) => [String(kind), Number(cost), String(outcome)])
    },
    /** Nothing is set aside any more, and the ledger is in order. */
    async isSettled() {
      expect(await rows('select * from deputy.credit_holds')).toEqual([])
      await checkLedger(database)
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await provider[Symbol.asyncDispose]()
    },
  }
}

export type Market = Awaited<ReturnType<typeof openMarket>>
