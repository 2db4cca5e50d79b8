import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineIntegrations, endpoint } from '../../server/integrations/declarations.ts'
import { configured } from './configured.ts'
import { SHOP_KEY, shops } from './shop.ts'

const SHOP = { SHOP_BASE_URL: 'http://shop.example', SHOP_KEY }
const shop = configured({ declarations: shops, env: SHOP })

describe('a plan', () => {
  it('holds what the schema made of the data, and what it costs at most', () => {
    expect(shop.plan('shop/buy', { item: 'tea' })).toEqual({
      success: true,
      data: {
        name: 'shop/buy',
        integration: 'shop',
        endpoint: 'buy',
        payer: 'owner',
        transport: 'direct',
        data: { item: 'tea', count: 1 },
        reserve: 100,
        takesKey: false,
        needsCallerJwt: false,
      },
    })
  })

  it('says that a repeated call is known by its key', () => {
    expect(shop.plan('shop/buy-once', { item: 'tea' })).toMatchObject({
      data: { takesKey: true, reserve: 7 },
    })
  })

  it('reserves nothing where the proxy bills, and then knows of no key', () => {
    const { plan } = configured({
      declarations: shops,
      apiWorkerUrl: new URL('http://proxy.example'),
      ownerJwt: 'a.b.c',
    })
    expect(plan('shop/buy-once', { item: 'tea' })).toMatchObject({
      data: { transport: 'proxy', reserve: 0, takesKey: false, needsCallerJwt: false },
    })
    expect(plan('own/ask', undefined)).toMatchObject({ data: { payer: 'caller', needsCallerJwt: true } })
  })
})

describe('an endpoint that is not declared is NOT_FOUND, and named beside those that are:', () => {
  it.each(['sell', 'constructor', 'tostring', 'buy-', 'valueof'])('%s', (name) => {
    expect(shop.plan(`shop/${name}`, { item: 'tea' })).toMatchObject({
      success: false,
      code: 'NOT_FOUND',
      error: expect.stringContaining('its endpoints are buy, buy-once'),
    })
  })
})

describe('data that does not fit is refused, naming the place:', () => {
  it.each([
    ['a field that is missing', {}, ['item']],
    ['another type', { item: 5 }, ['item']],
    ['an unknown field', { item: 'tea', payer: 'caller' }, []],
    ['a fraction', { item: 'tea', count: 1.5 }, ['count']],
    ['no object', [1], []],
    ['null', null, []],
  ])('%s', (_what, data, path) => {
    expect(shop.plan('shop/buy', data)).toMatchObject({
      success: false,
      code: 'BAD_REQUEST',
      issues: [{ path, message: expect.any(String) }],
    })
  })

  it('the issues are few and echo nothing', () => {
    const data = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, n) => [`field-${n}`, 'x'.repeat(1_000)]),
    )
    const refused = shop.plan('shop/buy', { ...data, item: 'SECRET'.repeat(100) })
    expect(JSON.stringify(refused).length).toBeLessThan(5_000)
    expect(JSON.stringify(refused)).not.toContain('SECRET')
  })

  it.each([
    ['a Date', { item: new Date(0) }],
    ['NUL', { item: 'a\0' }],
    ['a lone surrogate', { item: '\ud800' }],
    ['a key of a prototype', JSON.parse('{"item":"tea","__proto__":{"count":5}}')],
  ])('%s', (_what, data) => {
    expect(shop.plan('shop/buy', data as never)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })

  it('what a schema turns into no JSON', () => {
    const declarations = defineIntegrations({
      odd: {
        billing: 'developer',
        clients: 'none',
        direct: {
          baseUrl: { env: 'ODD_URL' },
          endpoints: {
            at: endpoint({
              method: 'POST',
              path: '/at',
              input: z.strictObject({ at: z.string().transform((text) => new Date(text)) }),
              price: 1,
            }),
          },
        },
      },
    })
    const odd = configured({ declarations, env: { ODD_URL: 'http://odd.example' } })
    expect(odd.plan('odd/at', { at: '2030-01-01' })).toMatchObject({ success: false, code: 'BAD_REQUEST' })
  })
})

describe('what must be set', () => {
  it.each([
    [{}, 'Set SHOP_BASE_URL and SHOP_KEY, or API_WORKER_URL to'],
    [{ SHOP_KEY }, 'Set SHOP_BASE_URL, or API_WORKER_URL to'],
    [{ SHOP_BASE_URL: 'http://shop.example' }, 'Set SHOP_KEY, or API_WORKER_URL to'],
  ])('is named exactly where %j is', (env, error) => {
    expect(configured({ declarations: shops, env }).plan('shop/buy', { item: 'tea' })).toMatchObject({
      success: false,
      code: 'PRECONDITION_FAILED',
      error: expect.stringContaining(error),
    })
  })

  it('is an owner, for what the owner pays', () => {
    const nobodys = configured({ declarations: shops, env: SHOP, ownerUserId: undefined })
    expect(nobodys.plan('shop/buy', { item: 'tea' })).toMatchObject({
      code: 'PRECONDITION_FAILED',
      error: expect.stringContaining('Set OWNER_USER_ID '),
    })
  })
})

it.each([13, 14])(
  'a reserve that is no amount is no price: nothing is planned, and the log says why',
  (count) => {
    expect(shop.plan('shop/buy', { item: 'tea', count })).toMatchObject({
      success: false,
      code: 'PRECONDITION_FAILED',
    })
    expect(shop.logged.at(-1)).toContain('A reserve must be a whole number')
  },
)

it('who may call without an action is told of declared integrations alone', () => {
  const names = ['shop', 'own', 'open', 'unlisted', 'constructor', '__proto__']
  expect(names.map(shop.clientsOf)).toEqual(['none', 'users', 'anyone', undefined, undefined, undefined])
})
