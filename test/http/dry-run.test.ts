import { ok } from 'deputyjs'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Handler, openRehearsal, type Rehearsal } from '../invocation/dry-run-app.ts'
import { PRICE } from '../ledger/market.ts'
import { type Answer, get, post, rawRequest, sendRaw } from './send.ts'

let app: Rehearsal
let url: string
let token: string
let routed = 0
beforeAll(async () => {
  app = await openRehearsal({
    corsOrigins: ['https://a.example.com'],
    routes: () =>
      new Hono().get('/own', (c) => {
        routed += 1
        return c.text('own')
      }),
  })
  url = await app.app.listen()
  token = await app.app.token('owner')
})
afterAll(() => app[Symbol.asyncDispose]())

const DRY = { 'deputy-dry-run': 'true' }
const fill: Handler = async (ctx) => {
  const created = await ctx.tools.create('vaults', { content: 'gold' })
  return created.success ? ok({ at: new Date(0), ...created.data }) : created
}

const overRest = (handler: Handler, headers: Record<string, string> = {}, name = 'open') =>
  post(`${url}/api/actions/${name}`, { token, headers, body: JSON.stringify({ id: app.keep(handler) }) })
const overTrpc = (handler: Handler, headers: Record<string, string> = {}) =>
  post(`${url}/trpc/actions.open`, {
    token,
    headers,
    body: JSON.stringify({ json: { id: app.keep(handler) } }),
  })
const inBatch = (handlers: readonly Handler[], headers: Record<string, string> = {}) =>
  post(`${url}/trpc/${handlers.map(() => 'actions.open').join(',')}?batch=1`, {
    token,
    headers,
    body: JSON.stringify(
      Object.fromEntries(handlers.map((handler, at) => [at, { json: { id: app.keep(handler) } }])),
    ),
  })

const vaults = () => app.rows('select record_id from vaults')

describe('the header Deputy-Dry-Run', () => {
  it('makes a call over REST a dry run', async () => {
    const answer = await overRest(fill, DRY)
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      success: true,
      data: {
        dryRun: {
          outcome: 'would commit',
          writes: [{ operation: 'create', collection: 'vaults', after: { content: 'gold' } }],
          result: { at: '1970-01-01T00:00:00.000Z' },
        },
      },
    })
    expect(await vaults()).toEqual([])
  })

  it('makes a call over tRPC a dry run, and every call of a batch', async () => {
    const report = { dryRun: { outcome: 'would commit', writes: [{ operation: 'create' }] } }
    const one = await overTrpc(fill, DRY)
    expect(one.json).toMatchObject({ result: { data: { json: { success: true, data: report } } } })
    const two = JSON.parse((await inBatch([fill, fill], DRY)).text)
    for (const member of two) expect(member.result.data.json.data).toMatchObject(report)
    expect(two).toHaveLength(2)
    expect(await vaults()).toEqual([])
  })

  it('makes a query over tRPC a dry run', async () => {
    const input = { id: app.keep(async (ctx) => ctx.tools.count('vaults')) }
    const address = `${url}/trpc/actions.openRead?input=${encodeURIComponent(JSON.stringify({ json: input }))}`
    const answer = await get(address, { token, headers: DRY })
    expect(answer.json).toMatchObject({
      result: { data: { json: { data: { dryRun: { outcome: 'would commit', result: { count: 0 } } } } } },
    })
  })

  it('tells where a run stops', async () => {
    const answer = await overRest((ctx) => ctx.tools.integration('dev/buy', { id: 'x' }), DRY)
    const stoppedAt = `would call dev/buy for at most ${PRICE} micro-credits`
    expect(answer.json).toMatchObject({ data: { dryRun: { outcome: 'stopped', stoppedAt, maxCost: PRICE } } })
  })

  it('is refused to whom the action does not allow it', async () => {
    const body = JSON.stringify({ id: app.keep(fill) })
    const ada = { token: await app.app.token('ada'), headers: DRY, body }
    expect(await post(`${url}/api/actions/closed`, ada)).toMatchObject({ status: 403 })
    expect(await post(`${url}/api/actions/open`, { ...ada, token: undefined })).toMatchObject({ status: 401 })
  })

  const refused: Record<string, (headers: Record<string, string>) => Promise<Answer>> = {
    'over REST': (headers) => overRest(fill, headers),
    'over tRPC': (headers) => overTrpc(fill, headers),
    'in a batch': (headers) => inBatch([fill], headers),
  }
  for (const [way, send] of Object.entries(refused)) {
    it.each(['false', 'TRUE', '1', '', 'true, true'])(`${way} is 400 where it is %j`, async (value) => {
      const answer = await send({ 'deputy-dry-run': value })
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('Deputy-Dry-Run must be true')
      expect(await vaults()).toEqual([])
    })

    it(`${way} is 400 together with an Idempotency-Key`, async () => {
      const answer = await send({ ...DRY, 'idempotency-key': 'k-1' })
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('takes no Idempotency-Key')
    })
  }

  it('is 400 where it is given twice', async () => {
    const body = JSON.stringify({ id: app.keep(fill) })
    const headers = [
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ]
    const twice = ['Deputy-Dry-Run: true', 'Deputy-Dry-Run: true']
    const answer = await sendRaw(url, rawRequest('POST /api/actions/open', [...headers, ...twice], body))
    expect(answer.statuses).toEqual([400])
  })

  it.each([
    ['GET', '/api/records/shelves'],
    ['POST', '/api/records/shelves'],
    ['GET', '/api/audit'],
    ['POST', '/api/users/register'],
    ['POST', '/api/integrations/open/buy'],
    ['GET', '/trpc/records.shelves.list'],
    ['POST', '/trpc/users.register'],
    ['GET', '/readyz'],
    ['GET', '/own'],
    ['GET', '/nothing'],
  ])('is 400 at %s %s', async (method, path) => {
    const answer = await (method === 'GET'
      ? get(`${url}${path}`, { token, headers: DRY })
      : post(`${url}${path}`, { token, headers: DRY }))
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('Only actions have a dry run')
    expect(routed).toBe(0)
  })

  it('may be sent by pages of other origins', async () => {
    const answer = await get(
      `${url}/api/actions/open`,
      { headers: { origin: 'https://a.example.com', 'access-control-request-method': 'POST' } },
      'OPTIONS',
    )
    expect(answer.headers.get('access-control-allow-headers')?.split(',')).toContain('deputy-dry-run')
  })
})
