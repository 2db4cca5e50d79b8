import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDispatcher } from '../../server/queue/dispatcher.ts'
import { post } from '../http/send.ts'
import { marketEnv, PRICE } from '../ledger/market.ts'
import { type Market, openMarket } from '../ledger/open-market.ts'
import type { Received } from './upstream.ts'

type Caller = 'the owner' | 'a user' | 'anonymous'
type Route = 'action' | 'client route' | 'enqueue'
/** What the other side was shown: a key of the app's, or whose token. */
type Credential =
  | 'key of dev'
  | 'key of own'
  | 'key of open'
  | 'no key'
  | 'token of owner'
  | 'token of caller'
/** Who is charged, and whom the other side saw; or the code that it is refused with. */
type Outcome = readonly [account: 'owner' | 'caller', amount: number, credential: Credential] | string

const dev: Outcome = ['owner', PRICE, 'key of dev']
const own: Outcome = ['caller', PRICE, 'key of own']
const open: Outcome = ['owner', PRICE, 'key of open']
const closed: Outcome = ['owner', PRICE, 'no key']
const byProxy: Outcome = ['owner', 0, 'token of owner']
const ownByProxy: Outcome = ['caller', 0, 'token of caller']

const table: readonly (readonly [integration: string, how: string, route: Route, caller: Caller, Outcome])[] =
  [
    ['dev', 'developer, direct, for users', 'action', 'the owner', dev],
    ['dev', 'developer, direct, for users', 'action', 'a user', dev],
    ['dev', 'developer, direct, for users', 'client route', 'the owner', dev],
    ['dev', 'developer, direct, for users', 'client route', 'a user', dev],
    ['dev', 'developer, direct, for users', 'client route', 'anonymous', 'UNAUTHORIZED'],
    ['dev', 'developer, direct, for users', 'enqueue', 'a user', dev],
    ['dev', 'developer, direct, for users', 'enqueue', 'the owner', dev],
    ['own', 'user, direct', 'action', 'the owner', own],
    ['own', 'user, direct', 'action', 'a user', own],
    ['own', 'user, direct', 'client route', 'the owner', own],
    ['own', 'user, direct', 'client route', 'a user', own],
    ['own', 'user, direct', 'client route', 'anonymous', 'UNAUTHORIZED'],
    ['own', 'user, direct', 'enqueue', 'the owner', own],
    ['own', 'user, direct', 'enqueue', 'a user', own],
    ['open', 'developer, direct, for anyone', 'action', 'a user', open],
    ['open', 'developer, direct, for anyone', 'client route', 'the owner', open],
    ['open', 'developer, direct, for anyone', 'client route', 'a user', open],
    ['open', 'developer, direct, for anyone', 'client route', 'anonymous', open],
    ['open', 'developer, direct, for anyone', 'enqueue', 'a user', open],
    ['closed', 'developer, direct, for actions', 'action', 'the owner', closed],
    ['closed', 'developer, direct, for actions', 'action', 'a user', closed],
    ['closed', 'developer, direct, for actions', 'client route', 'the owner', 'NOT_FOUND'],
    ['closed', 'developer, direct, for actions', 'client route', 'a user', 'NOT_FOUND'],
    ['closed', 'developer, direct, for actions', 'client route', 'anonymous', 'NOT_FOUND'],
    ['closed', 'developer, direct, for actions', 'enqueue', 'a user', closed],
    ['proxied-dev', 'developer, by proxy, for users', 'action', 'the owner', byProxy],
    ['proxied-dev', 'developer, by proxy, for users', 'action', 'a user', byProxy],
    ['proxied-dev', 'developer, by proxy, for users', 'client route', 'a user', byProxy],
    ['proxied-dev', 'developer, by proxy, for users', 'client route', 'anonymous', 'UNAUTHORIZED'],
    ['proxied-dev', 'developer, by proxy, for users', 'enqueue', 'a user', byProxy],
    ['proxied-own', 'user, by proxy', 'action', 'the owner', ownByProxy],
    ['proxied-own', 'user, by proxy', 'action', 'a user', ownByProxy],
    ['proxied-own', 'user, by proxy', 'client route', 'a user', ownByProxy],
    ['proxied-own', 'user, by proxy', 'client route', 'anonymous', 'UNAUTHORIZED'],
    ['proxied-own', 'user, by proxy', 'enqueue', 'the owner', 'PRECONDITION_FAILED'],
    ['proxied-own', 'user, by proxy', 'enqueue', 'a user', 'PRECONDITION_FAILED'],
    ['proxied-open', 'developer, by proxy, for anyone', 'client route', 'a user', byProxy],
    ['proxied-open', 'developer, by proxy, for anyone', 'client route', 'anonymous', byProxy],
    ['unlisted', 'not declared', 'action', 'a user', byProxy],
    ['unlisted', 'not declared', 'client route', 'the owner', 'NOT_FOUND'],
    ['unlisted', 'not declared', 'client route', 'a user', 'NOT_FOUND'],
    ['unlisted', 'not declared', 'client route', 'anonymous', 'NOT_FOUND'],
    ['unlisted', 'not declared', 'enqueue', 'a user', byProxy],
  ]

const CREDITS = 1_000_000
let market: Market
let stop: () => Promise<void>
beforeAll(async () => {
  market = await openMarket()
  await market.fund('owner', CREDITS)
  const dispatcher = startDispatcher({ ...market.app.engine, intervalMs: 20 })
  stop = () => dispatcher.stop(5_000)
})
afterAll(async () => {
  await stop()
  await market.isSettled()
  await market[Symbol.asyncDispose]()
})

async function callInAction(user: string, endpoint: string, id: string, tool: 'integration' | 'enqueue') {
  const data = { id }
  const called = await market.act(
    (ctx) => (tool === 'enqueue' ? ctx.tools.enqueue(endpoint, data) : ctx.tools.integration(endpoint, data)),
    { user, over: 'rest' },
  )
  return called.success ? undefined : (called as { readonly code: unknown }).code
}

async function callAsClient(user: string | undefined, endpoint: string, id: string) {
  const token = user === undefined ? undefined : await market.app.token(user)
  const url = `${await market.app.listen()}/api/integrations/${endpoint}`
  const { json } = await post(url, { token, body: JSON.stringify({ id }) })
  return json.success === true ? undefined : json.code
}

function credentialOf({ headers, authorization }: Received, caller: string | undefined): Credential | string {
  const { DEV_KEY, OWN_KEY, BASIC_KEY } = marketEnv('')
  const shown = [authorization, headers['x-api-key']].filter((value) => value !== undefined).map(String)
  if (shown.length > 1) return `both ${shown.join(' and ')}`
  const [only] = shown
  if (only === undefined) return 'no key'
  if (only === `Bearer ${DEV_KEY}`) return 'key of dev'
  if (only === OWN_KEY) return 'key of own'
  if (only === `Basic ${Buffer.from(`app:${BASIC_KEY}`).toString('base64')}`) return 'key of open'
  const { sub } = decodeJwt(only.replace(/^Bearer /, ''))
  // The owner as a caller pays by either token.
  return sub === caller && caller !== 'owner' ? 'token of caller' : `token of ${sub}`
}

describe('who pays, and as whom the other side is asked', () => {
  it.each(table)('%s (%s), by %s, called by %s: %j', async (integration, _how, route, kind, wanted) => {
    const caller = { 'the owner': 'owner', 'a user': `user-${randomUUID()}`, anonymous: undefined }[kind]
    const id = randomUUID()
    if (caller !== undefined && caller !== 'owner') await market.fund(caller, CREDITS)
    const balances = async () => ({
      owner: (await market.balance('owner')).available,
      caller: caller === undefined ? 0 : (await market.balance(caller)).available,
    })
    const before = await balances()
    const endpoint = `${integration}/buy`
    const code =
      route === 'client route'
        ? await callAsClient(caller, endpoint, id)
        : await callInAction(caller ?? '', endpoint, id, route === 'enqueue' ? 'enqueue' : 'integration')
    // What is queued is sent after its call was answered.
    await expect
      .poll(() => market.rows('select 1 from deputy.queue union all select 1 from deputy.credit_holds'))
      .toEqual([])
    const after = await balances()
    const received = market.provider.received.filter(
      ({ body }) => (body as { readonly id?: string }).id === id,
    )
    if (typeof wanted === 'string') {
      expect([code, received, after]).toEqual([wanted, [], before])
      return
    }
    const [account, amount, credential] = wanted
    expect(code).toBeUndefined()
    const spent = { owner: before.owner - after.owner, caller: before.caller - after.caller }
    const isOwn = account === 'owner' || caller === 'owner'
    expect(spent).toEqual({
      owner: isOwn ? amount : 0,
      caller: account === 'caller' || caller === 'owner' ? amount : 0,
    })
    expect(received.map((entry) => credentialOf(entry, caller))).toEqual([
      caller === 'owner' && credential === 'token of caller' ? 'token of owner' : credential,
    ])
    const [noted] = await market.rows(
      `select payer, account, caller, cost::int from deputy.credit_entries
       where endpoint = $1 and kind = 'settle' order by seq desc limit 1`,
      endpoint,
    )
    expect(noted).toEqual([account, account === 'owner' ? 'owner' : caller, caller ?? null, amount])
  })
})
